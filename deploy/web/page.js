/** The page: takes a model and a photograph or the camera's frames, shows the answer. */

import { element, isModel, ModelMenu, painted, receive, report, say } from "./controls.js";
import { Refused } from "./metadata.js";
import { color, cut, draw } from "./picture.js";
import { decode } from "./preprocessing.js";
import { Recognizer } from "./recognizer.js";

const TOP = 3;
const percent = (share) => `${(100 * share).toFixed(1)} %`;

let recognizer;
// The decoded photograph on the stage, to be recognized again by another model.
let shown;
let camera;
// Of two photographs dropped in quick succession, the later one counts.
let photoTurn = 0;

/**
 * Recognizes an image file with the model that the page has open.
 *
 * @param {Blob} blob
 * @returns {Promise<{known, confidence, labels, probabilities, region_boxes, region_scores, milliseconds}>} as
 *     `Recognizer.recognize` says.
 */
window.recognize = (blob, top = TOP) => {
  if (!recognizer) throw new Refused("There is no model yet.");
  return recognizer.recognize(blob, top);
};

/** Uses a model that was opened, also for the photograph on the stage. */
async function useModel(opened, name) {
  await recognizer?.close();
  recognizer = opened;
  const { class_names: names, image_size: size, model, threshold } = opened.metadata;
  element("model-fact").textContent = `${name}: ${model}, ${names.length} classes, ${size} px`;
  element("engine-fact").textContent = opened.engine;
  // Said, since a visitor cannot know: without one a photograph of a tree gets a brand.
  const without = (threshold ?? null) === null;
  element("threshold-fact").textContent = without ? "none: every photograph gets some logo" : percent(threshold);
  element("time-fact").textContent = "none yet";
  say("Ready.");
  if (shown && !camera) await answer(shown, photoTurn).catch(report);
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
      show(bitmap, { known: true, labels: [], probabilities: [], region_boxes: [], region_scores: [] });
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
    if (!camera) say(`${result.known ? result.labels[0] : "None, the likeliest"}, ${percent(result.confidence)}.`);
  } finally {
    bitmap.close();
  }
}

function show(photo, { known, confidence, labels, probabilities, region_boxes: boxes, region_scores: scores }) {
  const picture = element("picture");
  draw(picture, photo, boxes);
  picture.hidden = false;
  element("invitation").hidden = true;
  element("stage").classList.add("filled");
  const looked = boxes.length ? `, ${boxes.length} regions marked` : "";
  picture.setAttribute("aria-label", `Photograph, ${photo.width} x ${photo.height} px${looked}`);
  const named = labels.map((label, rank) => labelled(label, probabilities[rank]));
  if (!known) named.push(labelled("none", confidence, "likeliest "));
  element("labels").replaceChildren(...named);
  element("no-answer").hidden = named.length > 0;
  element("regions").replaceChildren(...boxes.map((box, rank) => region(photo, box, scores[rank], rank)));
  element("regions-part").hidden = !boxes.length;
}

function labelled(label, probability, before = "") {
  const [item, name, share, bar, filled] = ["li", "span", "span", "span", "span"].map((tag) => document.createElement(tag));
  name.textContent = label;
  share.textContent = `${before}${percent(probability)}`;
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

const menu = new ModelMenu(([{ bytes, name }]) => Recognizer.open(bytes, name), useModel);

receive(
  [["choose", "photo-file", ([file]) => usePhotograph(file)], ["open-model", "model-file", (files) => menu.openFiles(files)]],
  ([file]) => (isModel(file) ? menu.openFiles([file]) : usePhotograph(file)),
);
element("camera").addEventListener("click", () => (camera ? stopCamera() : startCamera()));

menu.list("Open a model file: .tflite or .onnx, as logo-export-tflite and logo-export-onnx write them.");
