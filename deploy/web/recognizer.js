/** Recognizes logos in the browser with a model file that names brands. */

import { read, Refused } from "./metadata.js";
import { decode, fit, frame } from "./preprocessing.js";
import { Runner } from "./runner.js";

/** A model file, ready to recognize logos. Made by `Recognizer.open`; `close` frees its memory. */
export class Recognizer {
  #runner;

  constructor(metadata, runner) {
    this.metadata = metadata;
    this.engine = runner.engine;
    this.#runner = runner;
  }

  /**
   * Opens a model file; its own metadata say what it is.
   *
   * @param {Uint8Array} bytes the whole file.
   * @param {string} name names the file in errors.
   * @returns {Promise<Recognizer>}
   * @throws {Refused} if it is no whole model file of logo_keras, or one that does not take single photographs.
   */
  static async open(bytes, name) {
    const metadata = read(bytes, name);
    if (!metadata.class_names.length) {
      throw new Refused(
        `${name}: of an embedder or a detector, which name no brands: open it on the page of the gallery, gallery.html.`,
      );
    }
    const classes = metadata.class_names.length;
    const needed = { probabilities: [classes, `${classes} class names`] };
    return new Recognizer(metadata, await Runner.open(bytes, name, metadata, needed));
  }

  /**
   * Recognizes one photograph.
   *
   * @param {Blob | HTMLVideoElement | ImageBitmap | ImageData} source an image file, a frame, or what `decode` gave.
   * @param {number} top how many classes to name.
   * @param {number} [threshold] in place of the file's own; 0 gives every photograph some brand.
   * @returns {Promise<{known: boolean, confidence: number, labels: string[], probabilities: number[],
   *     region_boxes: number[][], region_scores: number[], milliseconds: {decode: number, fit: number, infer: number}}>} best
   *     first, no labels where nothing is known; `confidence` is the probability of the likeliest class, known or not; boxes
   *     (y0, x0, y1, x1) in px of the upright photograph.
   * @throws {UnreadablePhotograph}
   */
  async recognize(source, top = 3, threshold = this.metadata.threshold ?? 0) {
    const { class_names: names, image_size: size, preprocessing } = this.metadata;
    const times = [performance.now()];
    const photo = source instanceof ImageData ? source : await decode(source);
    times.push(performance.now());
    const image = fit(photo, size, preprocessing);
    times.push(performance.now());
    const { probabilities, region_boxes: boxes = [], region_scores: scores = [] } = await this.#runner.infer(image);
    times.push(performance.now());
    // Sorting is stable: of equal probabilities the class that was named first comes first.
    const sorted = names.map((_, index) => index).sort((one, other) => probabilities[other] - probabilities[one]);
    const confidence = probabilities[sorted[0]];
    // Without a threshold also what is no number gets a label.
    const known = !threshold || confidence >= threshold;
    const best = known ? sorted.slice(0, top) : [];
    const { side, offset } = frame(preprocessing, size);
    const scales = [photo.height / side, photo.width / side];
    return {
      known,
      confidence,
      labels: best.map((index) => names[index]),
      probabilities: best.map((index) => probabilities[index]),
      region_boxes: Array.from(scores, (_, region) =>
        Array.from(boxes.slice(region * 4, region * 4 + 4), (edge, axis) => (edge + offset) * scales[axis % 2]),
      ),
      region_scores: Array.from(scores),
      milliseconds: { decode: times[1] - times[0], fit: times[2] - times[1], infer: times[3] - times[2] },
    };
  }

  /** Frees the model's memory, after the calls under way. */
  async close() {
    await this.#runner.close();
  }
}
