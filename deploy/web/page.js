/** The page: takes a model and a photograph or the camera's frames, shows the answer. */

import { Refused } from "./metadata.js";
import { color, cut, draw } from "./picture.js";
import { decode, UnreadablePhotograph } from "./preprocessing.js";
import { Recognizer } from "./recognizer.js";

const TOP = 3;
const element = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)} %`;

let recognizer;
// The entry of the menu that it was opened from.
let used;
// The decoded photograph on the stage, to be recognized again by another model.
let shown;
let camera;
// Of two models chosen or photographs dropped in quick succession, the later one counts.
let modelTurn = 0;
let photoTurn = 0;

/**
 * Recognizes an image file with the model that the page has open.
 *
 * @param {Blob} blob
 * @returns {Promise<{labels, probabilities, region_boxes, region_scores, milliseconds}>} as `Recognizer.recognize` says.
 */
window.recognize = (blob, top = TOP) => {
  if (!recognizer) throw new Refused("There is no model yet.");
  return recognizer.recognize(blob, top);
};

function say(status) {
  element("status").textContent = status;
}

function report(error) {
  const expected = error instanceof Refused || error instanceof UnreadablePhotograph;
  if (!expected) console.error(error);
  element("problem").textContent = expected ? error.message : `Something went wrong: ${error?.message ?? error}`;
  element("problem").hidden = false;
  say("");
}

/** Lets the browser show what was said before the engine keeps this thread busy. */
function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}

/** Opens the model of an entry of the menu; where that fails, the model that is open stays. */
async function useModel(option) {
  const turn = ++modelTurn;
  const select = element("model");
  element("problem").hidden = true;
  say(`Loading ${option.label} …`);
  try {
    const bytes = await option.load();
    await painted();
    const opened = await Recognizer.open(bytes, option.label);
    if (turn !== modelTurn) return await opened.close();
    await recognizer?.close();
    recognizer = opened;
    if (!option.parentElement) select.add(option);
    select.disabled = false;
    option.selected = true;
    used = option;
    const { class_names: names, image_size: size, model } = opened.metadata;
    element("model-fact").textContent = `${option.label}: ${model}, ${names.length} classes, ${size} px`;
    element("engine-fact").textContent = opened.engine;
    element("time-fact").textContent = "none yet";
    say("Ready.");
  } catch (error) {
    if (turn !== modelTurn) return;
    if (used) used.selected = true;
    return report(error);
  }
  if (shown && !camera) await answer(shown, photoTurn).catch(report);
}

function entry(name, load) {
  return Object.assign(new Option(name), { load });
}

async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Refused(`${url}: the server answers ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}

async function listModels() {
  const select = element("model");
  // A server of plain files has no list; models are then opened from this device.
  const response = await fetch("models.json").catch(() => undefined);
  const models = response?.ok ? await response.json() : [];
  for (const { name, url } of models) select.add(entry(name, () => fetched(url)));
  select.disabled = !models.length;
  if (models.length) await useModel(select.options[0]);
  else say("Open a model file: .tflite or .onnx, as logo-export-tflite and logo-export-onnx write them.");
}

function openModelFile(file) {
  return useModel(entry(file.name, async () => new Uint8Array(await file.arrayBuffer())));
}

async function usePhotograph(blob) {
  stopCamera();
  const turn = ++photoTurn;
  element("problem").hidden = true;
  try {
    const photo = await decode(blob);
    if (turn === photoTurn) await answer(photo, turn);
  } catch (error) {
    if (turn === photoTurn) report(error);
  }
}

/** Shows a decoded photograph and, where there is a model, what it says of it. */
async function answer(photo, turn) {
  shown = photo;
  const bitmap = await createImageBitmap(photo);
  try {
    if (!camera) {
      show(bitmap, { labels: [], probabilities: [], region_boxes: [], region_scores: [] });
      if (!recognizer) return say("Open a model file to recognize it.");
      say("Recognizing …");
      await painted();
    }
    const result = await recognizer.recognize(photo, TOP);
    if (turn !== photoTurn) return;
    show(bitmap, result);
    const { fit, infer } = result.milliseconds;
    const resized = `${fit.toFixed(0)} ms to resize ${photo.width} x ${photo.height} px`;
    element("time-fact").textContent = `${infer.toFixed(0)} ms, and ${resized}`;
    // Not for every frame: a screen reader would never stop.
    if (!camera) say(`${result.labels[0]}, ${percent(result.probabilities[0])}.`);
  } finally {
    bitmap.close();
  }
}

function show(photo, { labels, probabilities, region_boxes: boxes, region_scores: scores }) {
  const picture = element("picture");
  draw(picture, photo, boxes);
  picture.hidden = false;
  element("invitation").hidden = true;
  element("stage").classList.add("filled");
  const looked = boxes.length ? `, ${boxes.length} regions marked` : "";
  picture.setAttribute("aria-label", `Photograph, ${photo.width} x ${photo.height} px${looked}`);
  element("labels").replaceChildren(...labels.map((label, rank) => labelled(label, probabilities[rank])));
  element("no-answer").hidden = labels.length > 0;
  element("regions").replaceChildren(...boxes.map((box, rank) => region(photo, box, scores[rank], rank)));
  element("regions-part").hidden = !boxes.length;
}

function labelled(label, probability) {
  const [item, name, share, bar, filled] = ["li", "span", "span", "span", "span"].map((tag) => document.createElement(tag));
  name.textContent = label;
  share.textContent = percent(probability);
  share.className = "share";
  bar.className = "bar";
  bar.setAttribute("aria-hidden", "true");
  filled.style.width = `${100 * probability}%`;
  bar.append(filled);
  item.append(name, share, bar);
  return item;
}

function region(photo, box, score, rank) {
  const item = document.createElement("li");
  const picture = cut(photo, box);
  picture.setAttribute("aria-hidden", "true");
  picture.style.borderColor = color(rank);
  item.append(picture, `${rank + 1}: score ${score.toFixed(2)}`);
  return item;
}

async function startCamera() {
  element("problem").hidden = true;
  if (!recognizer) return report(new Refused("Open a model file first."));
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
  } catch (error) {
    const reasons = { NotAllowedError: "the browser was not allowed to use it", NotFoundError: "there is none" };
    return report(new Refused(`The camera cannot be used: ${reasons[error.name] ?? error.message}.`));
  }
  const video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
  const turn = ++photoTurn;
  camera = { stream, video };
  element("camera").setAttribute("aria-pressed", "true");
  element("camera").textContent = "Stop the camera";
  say("The camera is on.");
  try {
    await video.play();
    // Frame by frame: what is shown is what was recognized.
    while (turn === photoTurn && camera) {
      await answer(await decode(video), turn);
      await painted();
    }
  } catch (error) {
    if (turn === photoTurn && camera) {
      stopCamera();
      report(error);
    }
  }
}

function stopCamera() {
  if (!camera) return;
  for (const track of camera.stream.getTracks()) track.stop();
  camera = undefined;
  photoTurn++;
  element("camera").setAttribute("aria-pressed", "false");
  element("camera").textContent = "Start the camera";
  say("The camera is off.");
}

function take(file) {
  if (!file) return;
  if (/\.(tflite|onnx)$/i.test(file.name ?? "")) openModelFile(file);
  else usePhotograph(file);
}

element("model").addEventListener("change", ({ target }) => {
  useModel(target.selectedOptions[0]);
});
for (const [button, input] of [["choose", "photo-file"], ["open-model", "model-file"]]) {
  element(button).addEventListener("click", () => element(input).click());
  element(input).addEventListener("change", ({ target }) => {
    const [file] = target.files;
    if (file && input === "model-file") openModelFile(file);
    else if (file) usePhotograph(file);
    // So that the same file can be chosen again.
    target.value = "";
  });
}
element("camera").addEventListener("click", () => (camera ? stopCamera() : startCamera()));
document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
document.addEventListener("dragleave", ({ relatedTarget }) => {
  if (!relatedTarget) document.body.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  take(event.dataTransfer.files[0]);
});

listModels();
