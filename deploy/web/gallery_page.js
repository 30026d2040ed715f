/** The page of the gallery: takes logos and photos, shows which logos are where. */

import { ofArtwork, ofPhoto } from "./artwork.js";
import { element, isModel, ModelMenu, painted, receive, report, say } from "./controls.js";
import { Gallery } from "./gallery.js";
import * as store from "./gallery_store.js";
import { Refused } from "./metadata.js";
import { color, draw } from "./picture.js";
import { decode } from "./preprocessing.js";
import { open } from "./searching.js";
import { wholeBox } from "./surroundings.js";

const TOP = 3;
// Brands that the page shows, and pictures of each; more would make it slow.
const [MOST_SHOWN, MOST_PICTURES] = [300, 4];
// px of the page: a shorter drag is a click.
const DRAG = 8;
const RULES = {
  calibrated: "fitted to photos without these brands",
  embedding: "those of the model",
  backgrounds: "nearer to the logo than to any background; other logos get names too",
  null: "none: every photo gets the likeliest logos",
};
const OF_DETECTOR = "that of the detector, measured on drawn scenes";
const DOUBT = "; a photo has many places, each of which may be taken for a logo: calibrate it with logo-gallery and this model";

let gallery = new Gallery();
let model;
// What the browser has kept, to tell whether another tab has changed it.
let revision;
// The photo on the stage: {image, name, box}, `box` where the visitor drew one.
let shown;
// One thing after the other: the gallery does not change while a photo is looked at.
let last = Promise.resolve();

/**
 * Recognizes an image file with the model and the gallery that the page has open.
 *
 * @param {Blob} blob
 * @returns {Promise<{label: string, similarity: number, box: number[]}[]>} as `Gallery.recognize` says.
 */
window.recognize = async (blob, top = TOP, boxes = undefined) => {
  const photo = await decode(blob);
  const matches = await inTurn(() => gallery.recognize(photo, top, boxes));
  return matches.map(({ label, similarity, box }) => ({ label, similarity, box }));
};

function inTurn(act) {
  const turn = last.then(act);
  last = turn.catch(() => {});
  return turn;
}

/** Does something after what is under way, and says what was wrong with it. */
async function act(work) {
  element("problem").hidden = true;
  await inTurn(work).catch(report);
}

/** Shows the gallery, keeps it, and looks at the photo again. */
async function changed(status) {
  list();
  await keep();
  await answer();
  say(status);
}

async function keep() {
  revision = await store.keep(await gallery.bytes(), revision);
}

/** Uses a model that was opened; references of another are embedded anew. */
function useModel(opened, name) {
  return inTurn(async () => {
    const question = `Embed all logos anew with ${name}? The thresholds that were fitted to photos are gone then.`;
    if (gallery.rule === "calibrated" && !(await gallery.agrees(opened)) && !confirm(question)) {
      throw new Refused(`The gallery was made with ${gallery.embedding}, and stays as it is: open that model.`);
    }
    const anew = await gallery.use(opened, (done, count) => say(`Embedding ${done} of ${count} pictures anew …`));
    await model?.close();
    model = opened;
    element("model-fact").textContent = `${opened.name}: ${opened.about}`;
    element("engine-fact").textContent = opened.engine;
    element("places-fact").textContent = opened.detects
      ? "the model finds them"
      : "none: the photo counts as a whole, or draw a box around the logo";
    list();
    if (anew) await keep();
    await answer();
    say(anew ? `All pictures were embedded anew with ${name}.` : "Ready.");
  });
}

async function addLogos(files) {
  for (const file of files) {
    await act(async () => {
      say(`Adding ${file.name} …`);
      await painted();
      const label = file.name.replace(/\.[^.]+$/, "");
      const taken = await gallery.add(label, await ofArtwork(file));
      if (!taken.length) return say(`${label} has this logo already.`);
      await changed(`${label} is added.`);
    });
  }
}

function addPlace() {
  return act(async () => {
    const label = shown.name.replace(/\.[^.]+$/, "");
    const taken = await gallery.add(label, ofPhoto(shown.image, shown.box, shown.name));
    if (!taken.length) return say(`${label} has this place already.`);
    await changed(`The place is added as ${label}; write its name in the list.`);
    [...element("brands").querySelectorAll("input")].find(({ value }) => value === label)?.focus();
  });
}

function rename(label, input) {
  return act(async () => {
    const [name, merges] = [input.value.trim(), gallery.labels.includes(input.value.trim())];
    // An empty one is no name, and the old one comes back.
    input.value = label;
    gallery.rename(label, name);
    if (name !== label) await changed(merges ? `${label} belongs to ${name} now.` : `${label} is ${name} now.`);
  });
}

function remove(label) {
  return act(async () => {
    gallery.remove(label);
    await changed(`${label} is removed.`);
    element("add").focus();
  });
}

function openGallery(file) {
  return act(async () => {
    const opened = Gallery.open(new Uint8Array(await file.arrayBuffer()), file.name);
    const count = gallery.labels.length;
    const question = `Take ${file.name} instead of the ${count} logos that are here? Save them first to keep them.`;
    if (count && !confirm(question)) return;
    if (model) await opened.use(model, (done, of) => say(`Embedding ${done} of ${of} pictures anew …`));
    gallery = opened;
    await changed(`${file.name} is open: ${gallery.labels.length} logos.`);
  });
}

function save() {
  return act(async () => {
    const url = URL.createObjectURL(await gallery.bytes());
    Object.assign(document.createElement("a"), { href: url, download: "brands.gallery" }).click();
    // Not at once: the browser reads it while it writes the file.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    say("The gallery is saved: brands.gallery.");
  });
}

function usePhoto(file) {
  return act(async () => {
    shown = { image: await decode(file), name: file.name ?? "photo" };
    await answer();
  });
}

/** Shows the photo and, where there are a model and logos, what is found in it. */
async function answer() {
  if (!shown) return;
  const bitmap = await createImageBitmap(shown.image);
  try {
    show(bitmap, undefined);
    if (!model) return say("Open a model file to look for logos in it.");
    if (!gallery.labels.length) return say("Add a logo to look for.");
    say("Looking …");
    await painted();
    const begun = performance.now();
    const matches = await gallery.recognize(shown.image, TOP, shown.box && [shown.box]);
    element("time-fact").textContent = `${(performance.now() - begun).toFixed(0)} ms`;
    show(bitmap, matches);
    const found = matches.map(({ label, similarity }) => `${label} ${similarity.toFixed(2)}`);
    say(found.length ? `${found.join(", ")}.` : "None of the logos is found.");
  } finally {
    bitmap.close();
  }
}

/** Shows matches on the photo; undefined where it was not looked at yet. */
function show(photo, matches) {
  // The box of the whole photo says nothing. Of several brands at one place the first is written there.
  const whole = `${wholeBox(photo)}`;
  const at = ({ box }) => matches.findIndex((other) => `${other.box}` === `${box}`);
  const places = (matches ?? []).filter((match, rank) => `${match.box}` !== whole && at(match) === rank);
  if (shown.box && !places.length) places.push({ label: matches ? "none" : "…", box: shown.box });
  const picture = element("picture");
  draw(picture, photo, places.map(({ box }) => box), places.map(caption));
  picture.hidden = false;
  element("invitation").hidden = true;
  element("stage").classList.add("filled");
  const said = matches ? `, ${matches.length} logos found` : "";
  picture.setAttribute("aria-label", `Photo, ${photo.width} x ${photo.height} px${said}`);
  const rank = (match) => places.findIndex(({ box }) => `${box}` === `${match.box}`);
  element("matches").replaceChildren(...(matches ?? []).map((match) => found(match, rank(match))));
  element("no-answer").hidden = Boolean(matches?.length);
  element("no-answer").textContent = matches ? "none" : "Logos that are found in a photo appear here.";
  for (const id of ["keep-place", "whole"]) element(id).hidden = !shown.box;
}

function caption({ label, similarity }) {
  return similarity === undefined ? label : `${label} ${similarity.toFixed(2)}`;
}

function found({ label, similarity, reference }, rank) {
  const [item, name, share] = ["li", "span", "span"].map((tag) => document.createElement(tag));
  const picture = thumbnail(reference);
  if (rank >= 0) picture.style.borderColor = color(rank);
  name.textContent = label;
  share.textContent = similarity.toFixed(2);
  share.className = "share";
  item.append(picture, name, share);
  return item;
}

/** Shows the brands of the gallery. */
function list() {
  const labels = gallery.labels;
  element("brands").replaceChildren(...labels.slice(0, MOST_SHOWN).map(brand));
  element("no-brands").hidden = labels.length > 0;
  element("more-brands").hidden = labels.length <= MOST_SHOWN;
  element("more-brands").textContent = `and ${labels.length - MOST_SHOWN} more`;
  element("save").disabled = !labels.length;
  const ofDetector = gallery.searchedThreshold !== undefined;
  const doubted = model?.detects && !ofDetector && !gallery.calibratedSearching;
  const rule = ofDetector ? OF_DETECTOR : RULES[gallery.rule] + (doubted ? DOUBT : "");
  element("rule-fact").textContent = model || labels.length ? rule : "none yet";
}

function brand(label) {
  const [item, pictures, name, button] = ["li", "span", "input", "button"].map((tag) => document.createElement(tag));
  pictures.className = "thumbnails";
  pictures.append(...gallery.references(label).slice(0, MOST_PICTURES).map(thumbnail));
  Object.assign(name, { value: label, ariaLabel: `Name of ${label}` });
  name.addEventListener("change", () => rename(label, name));
  Object.assign(button, { type: "button", textContent: "Remove", ariaLabel: `Remove ${label}` });
  button.addEventListener("click", () => remove(label));
  item.append(pictures, name, button);
  return item;
}

function thumbnail({ thumbnail: bytes, drawn }) {
  const picture = Object.assign(new Image(), { alt: drawn, title: drawn });
  if (!bytes) return picture;
  picture.src = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
  picture.onload = picture.onerror = () => URL.revokeObjectURL(picture.src);
  return picture;
}

/** Lets the visitor draw a box around a logo. */
function drawing() {
  const picture = element("picture");
  let start;
  const place = ({ clientX, clientY }) => {
    const { left, top, width, height } = picture.getBoundingClientRect();
    const inside = (value) => Math.min(Math.max(value, 0), 1);
    return [inside((clientY - top) / height) * shown.image.height, inside((clientX - left) / width) * shown.image.width];
  };
  picture.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    start = { at: place(event), x: event.clientX, y: event.clientY };
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener("pointerup", (event) => {
    const [begun, end] = [start, place(event)];
    start = undefined;
    if (!begun || Math.min(Math.abs(event.clientX - begun.x), Math.abs(event.clientY - begun.y)) < DRAG) return;
    const [ys, xs] = [0, 1].map((axis) => [begun.at[axis], end[axis]].sort((one, other) => one - other));
    shown.box = [ys[0], xs[0], ys[1], xs[1]];
    act(answer);
  });
  element("keep-place").addEventListener("click", addPlace);
  element("whole").addEventListener("click", () => {
    shown.box = undefined;
    act(answer);
  });
}

/** A file that was pasted or dropped: on the list it is a logo, elsewhere a photo; an SVG is a logo anywhere. */
function take(files, target) {
  const isGallery = (file) => /\.gallery$/i.test(file.name ?? "");
  const isLogo = (file) => target.closest?.("#brands-part") || /\.svgz?$/i.test(file.name ?? "");
  const models = files.filter(isModel);
  if (models.length) return menu.openFiles(models);
  const given = files.find(isGallery);
  if (given) return openGallery(given);
  const logos = files.filter(isLogo);
  return logos.length ? addLogos(logos) : usePhoto(files[0]);
}

/** The gallery that was kept when the page was open before. */
function kept() {
  return act(async () => {
    const found = await store.load();
    if (!found) return;
    revision = found.revision;
    try {
      gallery = Gallery.open(new Uint8Array(await found.bytes.arrayBuffer()), "The gallery that this browser kept");
    } catch (error) {
      throw new Refused(`${error.message} Adding a logo begins a new one.`);
    }
    list();
  });
}

const menu = new ModelMenu(open, useModel);

receive(
  [
    ["choose", "photo-file", ([file]) => usePhoto(file)],
    ["add", "logo-file", addLogos],
    ["open-model", "model-file", (files) => menu.openFiles(files)],
    ["open-gallery", "gallery-file", ([file]) => openGallery(file)],
  ],
  take,
);
element("save").addEventListener("click", save);
drawing();
await kept();
await menu.list(
  "Open model files: .tflite or .onnx of an embedder, a detector, or one of each, as logo_keras/gallery has them.",
  gallery.embedding,
);
