/**
 * Opens the page of deploy/web in a headless browser, gives it models and photographs, and says what it answered.
 *
 * Reads one JSON object from stdin and writes one to stdout; tests/test_client_web.py says what is asked and asserted.
 */

import { readFile } from "node:fs/promises";

import { asked, elsewhere, visiting } from "./browser.mjs";

const { url, program, models, strict, photographs, fits, refused, screenshot } = asked;
await visiting(program, visit);

async function visit(page, requests, errors) {
  await page.goto(url);
  await page.evaluate(prepare);

  const result = { answers: {}, threads: await page.evaluate(() => window.crossOriginIsolated) };
  for (const model of models) {
    await choose(page, model);
    const before = requests.length;
    const recognized = [];
    for (const path of photographs) {
      recognized.push(await page.evaluate((file) => window.recognize(window.blob(file)), await readFile(path, "base64")));
    }
    const during = requests.length - before;
    result.answers[model] = { engine: await page.textContent("#engine-fact"), recognized, requests: during };
  }
  result.fits = [];
  for (const { path, size, preprocessing } of fits) {
    const file = await readFile(path, "base64");
    result.fits.push(await page.evaluate((given) => window.fit(...given), [file, size, preprocessing]));
  }
  result.page = await use(page);
  await choose(page, strict);
  const answer = await page.evaluate((file) => window.recognize(window.blob(file)), await readFile(photographs[0], "base64"));
  result.strict = { answer, ...(await use(page)), status: await page.textContent("#status") };
  await choose(page, models.at(-1));
  result.camera = await film(page);
  result.refused = {};
  for (const [input, path] of refused) result.refused[path] = await refusal(page, input, path);
  result.afterwards = await use(page);
  if (screenshot) await show(page, screenshot);
  // Before the last act, which asks for what the page must not do.
  result.requests = [...requests];
  result.errors = [...errors];
  result.elsewhere = await page.evaluate(elsewhere);
  return result;
}

async function choose(page, model) {
  await page.waitForFunction(() => !document.getElementById("model").disabled);
  await page.selectOption("#model", { label: model });
  const opened = (name) => document.getElementById("model-fact").textContent.startsWith(`${name}:`);
  await page.waitForFunction(opened, model);
}

/** What the page shows of the first photograph. */
async function use(page) {
  await page.evaluate(() => document.getElementById("labels").replaceChildren());
  await page.setInputFiles("#photo-file", photographs[0]);
  await page.waitForSelector("#labels li");
  return {
    labels: await page.locator("#labels li > span:first-child").allTextContents(),
    regions: await page.locator("#regions li").allTextContents(),
    picture: await page.getAttribute("#picture", "aria-label"),
    time: await page.textContent("#time-fact"),
    threshold: await page.textContent("#threshold-fact"),
    problem: await page.isVisible("#problem"),
  };
}

/** Whether the camera's frames were recognized, and whether it is off afterwards. */
async function film(page) {
  await page.evaluate(() => document.getElementById("time-fact").replaceChildren());
  await page.click("#camera");
  await page.waitForFunction(() => document.getElementById("time-fact").textContent);
  const time = await page.textContent("#time-fact");
  await page.click("#camera");
  return { time, pressed: await page.getAttribute("#camera", "aria-pressed") };
}

/** What the page says of a file that it cannot take. */
async function refusal(page, input, path) {
  await page.setInputFiles(input, path);
  await page.waitForSelector("#problem:not([hidden])");
  const problem = await page.textContent("#problem");
  await page.evaluate(() => (document.getElementById("problem").hidden = true));
  return problem;
}

async function show(page, { model, photograph, path }) {
  await choose(page, model);
  await page.evaluate(() => document.getElementById("labels").replaceChildren());
  await page.setInputFiles("#photo-file", photograph);
  await page.waitForSelector("#labels li");
  await page.mouse.move(0, 0);
  // Small enough for a README.
  await page.setViewportSize({ width: 960, height: 640 });
  await page.locator("body").screenshot({ path });
}

/** In the page: what the acts above call. */
async function prepare() {
  const { decode, fit } = await import("./preprocessing.js");
  window.blob = (file) => new Blob([Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0))]);
  window.fit = async (file, ...how) => {
    let letters = "";
    for (const byte of fit(await decode(window.blob(file)), ...how)) letters += String.fromCharCode(byte);
    return btoa(letters);
  };
}
