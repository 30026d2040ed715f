/** A headless browser for what opens pages of deploy/web: one JSON object is read from stdin, and one written to stdout. */

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const { chromium } = createRequire(new URL("../../deploy/web/package.json", import.meta.url))("playwright-core");

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A moving picture instead of a camera, and no question before it.
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];
const LONGEST = 60_000;

/** What is to be done. */
export const asked = JSON.parse(await text(process.stdin));

/**
 * Does something in a page that is empty at first, and prints what it gave.
 *
 * @param {string} program the browser's.
 * @param {(page, requests: string[], errors: string[]) => Promise<object>} visit is told of all requests and of what failed.
 */
export async function visiting(program, visit) {
  const browser = await chromium.launch({ executablePath: program, args: ARGUMENTS });
  try {
    const context = await browser.newContext({ viewport: { width: 1180, height: 800 }, colorScheme: "light" });
    const [requests, errors] = [[], []];
    context.on("request", (request) => requests.push(request.url()));
    context.on("weberror", (error) => errors.push(String(error.error())));
    context.on("page", (page) => page.on("websocket", (socket) => requests.push(socket.url())));
    // LiteRT writes what it does to console.error, so only the browser's own refusals count.
    context.on("console", (message) => message.text().includes("Content Security Policy") && errors.push(message.text()));
    const page = await context.newPage();
    page.setDefaultTimeout(LONGEST);
    try {
      console.log(JSON.stringify(await visit(page, requests, errors)));
    } catch (error) {
      // What the page itself says is mostly the reason.
      console.error(errors, await page.locator("main").innerText());
      throw error;
    }
  } finally {
    await browser.close();
  }
}

/** In the page: the rule that forbids a request to another address. */
export async function elsewhere() {
  const broken = new Promise((resolve) => document.addEventListener("securitypolicyviolation", resolve, { once: true }));
  const refused = await fetch("http://127.0.0.2/").then(() => "answered", (error) => error.name);
  return [refused, (await broken).effectiveDirective];
}
