/**
 * Opens the gallery's page of deploy/web in a headless browser, gives it logos and photos, and says what it found.
 *
 * Reads one JSON object from stdin and writes one to stdout; tests/test_client_web_gallery.py says what is asked and asserted.
 */

import { readFile } from "node:fs/promises";

import { asked, elsewhere, visiting } from "./browser.mjs";

const { url, program, models, shipped, logos, drawing, photos, fromPython, refused, place, saved, screenshot } = asked;
await visiting(program, visit);

async function visit(page, requests, errors) {
  const dialogs = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    dialog.accept();
  });
  const result = { answers: {}, dialogs };
  await page.goto(`${url}gallery.html`);
  await ready(page, shipped);
  await addLogos(page, logos);
  result.brands = await brands(page);
  result.facts = await page.locator("dd").allInnerTexts();
  result.requests = 0;
  for (const model of [shipped, ...models]) {
    if (model !== shipped) await choose(page, model);
    const before = requests.filter(isFetched).length;
    result.answers[model] = await answers(page);
    result.requests += requests.filter(isFetched).length - before;
    if (model !== shipped) await save(page, saved[model]);
  }
  // What is kept is still of the first of `models`, since the others are the same in other formats.
  await page.reload();
  await ready(page, models[0]);
  result.reloaded = { brands: await brands(page), answers: await answers(page) };
  result.page = await use(page);
  result.refused = {};
  for (const [input, path] of refused) result.refused[path] = await refusal(page, input, path);
  result.afterwards = await use(page);
  result.place = await teach(page);
  result.changed = await change(page);
  await choose(page, shipped);
  await page.setInputFiles("#gallery-file", fromPython);
  await said(page, "is open");
  result.fromPython = { brands: await brands(page), rule: await page.textContent("#rule-fact"), answers: await answers(page) };
  await page.setInputFiles("#logo-file", drawing);
  await said(page, "is added");
  await save(page, saved.drawing);
  if (screenshot) await show(page, screenshot);
  // Before the last act, which asks for what the page must not do.
  result.hosts = requests.filter(isFetched).map((each) => new URL(each).hostname);
  result.errors = [...errors];
  result.elsewhere = await page.evaluate(elsewhere);
  return result;
}

function isFetched(request) {
  return !/^(blob|data):/.test(request);
}

async function ready(page, model) {
  const opened = (name) => document.getElementById("model-fact").textContent.startsWith(`${name}:`);
  await page.waitForFunction(opened, model);
  await page.waitForFunction(() => !document.getElementById("status").textContent.startsWith("Loading"));
}

/** Chooses a model; the references are embedded anew. */
async function choose(page, model) {
  await page.waitForFunction(() => !document.getElementById("model").disabled);
  await page.selectOption("#model", { label: model });
  await ready(page, model);
  await page.waitForFunction(() => /anew with|Ready/.test(document.getElementById("status").textContent));
}

/** Waits for a line of the page, or for what is wrong. */
async function said(page, text) {
  const given = (wanted) =>
    document.getElementById("status").textContent.includes(wanted) || !document.getElementById("problem").hidden;
  await page.waitForFunction(given, text);
}

async function addLogos(page, paths) {
  for (const path of paths) {
    await page.evaluate(() => (document.getElementById("status").textContent = ""));
    await page.setInputFiles("#logo-file", path);
    await said(page, "is added");
  }
}

/** The brands that the page lists, with how many pictures of each. */
async function brands(page) {
  return page.locator("#brands li").evaluateAll((items) =>
    items.map((item) => [item.querySelector("input").value, item.querySelectorAll("img").length]),
  );
}

/** What the page finds in each photo; of those with a box, in the box. */
async function answers(page) {
  const found = [];
  for (const { path, box } of photos) {
    const file = await readFile(path, "base64");
    found.push(await page.evaluate(([letters, boxes]) => {
      const blob = new Blob([Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0))]);
      return window.recognize(blob, 3, boxes ?? undefined);
    }, [file, box && [box]]));
  }
  return found;
}

async function save(page, path) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
  await download.saveAs(path);
}

/** What the page shows of the first photo. */
async function use(page) {
  await page.evaluate(() => document.getElementById("matches").replaceChildren());
  await page.setInputFiles("#photo-file", photos[0].path);
  await page.waitForSelector("#matches li");
  return {
    matches: await page.locator("#matches li").allInnerTexts(),
    picture: await page.getAttribute("#picture", "aria-label"),
    problem: await page.isVisible("#problem"),
  };
}

/** What the page says of a file that it cannot take. */
async function refusal(page, input, path) {
  await page.setInputFiles(input, path);
  await page.waitForSelector("#problem:not([hidden])");
  const problem = await page.textContent("#problem");
  await page.evaluate(() => (document.getElementById("problem").hidden = true));
  return problem;
}

/** Draws a box around a logo, and adds what is there as a logo. */
async function teach(page) {
  await page.setInputFiles("#photo-file", place.path);
  await page.waitForSelector("#matches li");
  const { x, y, width, height } = await page.locator("#picture").boundingBox();
  const [y0, x0, y1, x1] = place.box.map((corner, axis) => (axis % 2 ? x + corner * width : y + corner * height));
  await page.mouse.move(x0, y0);
  await page.mouse.down();
  await page.mouse.move(x1, y1, { steps: 3 });
  await page.mouse.up();
  await page.waitForSelector("#keep-place:not([hidden])");
  await page.click("#keep-place");
  await said(page, "The place is added");
  return { brands: await brands(page), matches: await page.locator("#matches li").allInnerTexts() };
}

/** Takes a picture of what a gallery finds in a photo. */
async function show(page, { gallery, photo, path }) {
  await choose(page, shipped);
  await page.setInputFiles("#gallery-file", gallery);
  await said(page, "is open");
  await page.evaluate(() => document.getElementById("matches").replaceChildren());
  await page.setInputFiles("#photo-file", photo);
  await page.waitForSelector("#matches li");
  await page.mouse.move(0, 0);
  // Small enough for a README, wide enough for the names.
  await page.setViewportSize({ width: 1180, height: 700 });
  await page.screenshot({ path, quality: 80 });
}

/** Gives the last brand the name of the first, and removes the second. */
async function change(page) {
  const first = await page.inputValue("#brands li:first-child input");
  await page.fill("#brands li:last-child input", first);
  await page.press("#brands li:last-child input", "Enter");
  await said(page, "belongs to");
  await page.click("#brands li:nth-child(2) button");
  await said(page, "is removed");
  return brands(page);
}
