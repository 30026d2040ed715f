/** Embeds marks, and finds places in photos, with the file of an embedder or a detector. */

import { sha256 } from "./node_modules/@noble/hashes/sha2.js";
import { bytesToHex } from "./node_modules/@noble/hashes/utils.js";
import { detect } from "./detection.js";
import { backgrounds, read, Refused, unit } from "./metadata.js";
import { fit, picture } from "./preprocessing.js";
import { Runner } from "./runner.js";
import { widened } from "./triangle.js";

// Of the fixed pictures whose vectors tell one embedding from another. As in logo_keras/gallery/embedders.py, as is the next.
const [PROBES, PROBE_SIDE] = [8, 96];
const SAME = 0.995;

/** A file of an embedder or a detector, ready to embed. Made by `Embedder.open`; `close` frees its memory. */
export class Embedder {
  #runner;
  #probe;

  constructor(bytes, name, metadata, runner) {
    this.name = name;
    this.metadata = metadata;
    this.engine = runner.engine;
    /** Whether it finds places in photos. */
    this.detects = Boolean(metadata.num_regions);
    /** Float32Array[], of length 1: what images without a mark lie near to. */
    this.backgrounds = backgrounds(metadata);
    /** What it is, in words. */
    this.about = `${metadata.model}, ${metadata.image_size} px`;
    /** Of a gallery that is not calibrated, or undefined; and of the photos that it searches. */
    this.threshold = metadata.threshold;
    this.searchedThreshold = this.detects ? metadata.threshold : undefined;
    /** Those that count in photos that it searches. */
    this.searchedBackgrounds = this.detects ? this.backgrounds : undefined;
    /** What tells this file from others. */
    this.identity = bytesToHex(sha256(bytes));
    this.#runner = runner;
  }

  /**
   * Opens a model file; its own metadata say what it is.
   *
   * @param {Uint8Array} bytes the whole file.
   * @param {string} name names the file in errors.
   * @returns {Promise<Embedder>}
   * @throws {Refused} if it is no whole file of an embedder or a detector, or one that does not take single photos.
   */
  static async open(bytes, name) {
    const metadata = read(bytes, name);
    if (metadata.class_names.length) {
      const needed = "a gallery needs the file of an embedder or a detector";
      throw new Refused(`${name}: names the brands that it was trained for: ${needed}.`);
    }
    const { dimensions, image_size: size, num_regions: regions, region_size: seen } = metadata;
    if (regions && !(seen <= size)) {
      throw new Refused(`${name}: its metadata say regions of ${seen} px, of images of ${size} px: export the model again.`);
    }
    const needed = { embedding: [dimensions, `${dimensions} dimensions`] };
    if (regions) {
      needed.objectness = [1, "one image"];
      for (const [output, numbers] of Object.entries({ boxes: 4, scores: 1, embeddings: dimensions, objectness: 1 })) {
        needed[`region_${output}`] = [regions * numbers, `${regions} regions`];
      }
    }
    const runner = await Runner.open(bytes, name, metadata, needed);
    try {
      return new Embedder(bytes, name, metadata, runner);
    } catch (error) {
      await runner.close();
      throw new Refused(`${name}: damaged metadata (${error.message}): copy the file again or export the model again.`);
    }
  }

  /**
   * Embeds a square cut out of a photo, or artwork. With a detector's file it costs as much as `detect`.
   *
   * @param {{width: number, height: number, data: Uint8Array | Uint8ClampedArray, step?: number}} square
   * @returns {Promise<Float32Array>} of length 1.
   */
  async embed(square) {
    const { image_size: size, region_size: seen, preprocessing } = this.metadata;
    const image = this.detects ? widened(fit(square, seen, preprocessing), seen, size) : fit(square, size, preprocessing);
    const { embedding } = await this.#runner.infer(image);
    if (!embedding.every(Number.isFinite) || !embedding.some(Boolean)) {
      throw new Refused(`${this.name}: gave a vector that is not finite or all zeros: export the model again.`);
    }
    return unit(embedding);
  }

  /** Finds places in a decoded photo; a detector's file alone does. Returns what `detection.detect` says. */
  detect(photo) {
    return detect((image) => this.#runner.infer(image), photo, this.metadata);
  }

  /** The vectors of fixed pictures, Float32Array[]. */
  probe() {
    this.#probe ??= (async () => {
      const vectors = [];
      for (let number = 1; number <= PROBES; number++) vectors.push(await this.embed(picture(fixed(number))));
      return vectors;
    })();
    return this.#probe;
  }

  /**
   * Whether another embedding is this one: the same file, or the same in another format.
   *
   * @param {string} identity of the other.
   * @param {Float32Array[]} probe of the other.
   */
  async agrees(identity, probe) {
    if (probe.length !== PROBES || probe[0].length !== this.metadata.dimensions) return false;
    if (identity === this.identity) return true;
    return (await this.probe()).every((vector, number) => dot(vector, probe[number]) >= SAME);
  }

  /** Frees the model's memory, after the calls under way. */
  close() {
    return this.#runner.close();
  }
}

/** The cosine of two vectors of length 1. */
export function dot(one, other) {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += one[at] * other[at];
  return sum;
}

/** A fixed picture: patches of colour that run into each other. */
function fixed(number) {
  const data = new Uint8Array(PROBE_SIDE * PROBE_SIDE * 3);
  for (let row = 0, to = 0; row < PROBE_SIDE; row++) {
    for (let column = 0; column < PROBE_SIDE; column++) {
      const [y, x] = [row / PROBE_SIDE, column / PROBE_SIDE];
      const disc = Math.hypot(x - 0.5, y - 0.5) < 0.1 * ((number % 4) + 1);
      const stripe = Math.abs(x - y) < 0.06 * (number % 3);
      for (let band = 0; band < 3; band++, to++) {
        const wave = Math.sin(2 * Math.PI * ((number % 3) * x + ((number + band) % 4) * y) + number * band);
        data[to] = Math.min(Math.max(Math.round(wave * 60 + 128 + (disc !== stripe ? 60 : -60)), 0), 255);
      }
    }
  }
  return { width: PROBE_SIDE, height: PROBE_SIDE, data, step: 3 };
}
