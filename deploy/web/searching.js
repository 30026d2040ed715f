/** What the gallery looks at photos with: the file of an embedder or a detector, or both, as the package has them. */

import { Embedder } from "./embedder.js";
import { Refused } from "./metadata.js";

/**
 * Opens one file, or an embedder's and a detector's as one model.
 *
 * @param {{bytes: Uint8Array, name: string}[]} files one, or two in any order.
 * @returns {Promise<Embedder | Searching>}
 * @throws {Refused} if one cannot be used, or two do not belong together.
 */
export async function open(files) {
  if (files.length > 2) throw new Refused("A gallery takes the file of an embedder, of a detector, or one of each.");
  const opened = [];
  try {
    for (const { bytes, name } of files) opened.push(await Embedder.open(bytes, name));
    if (opened.length === 1) return opened[0];
    return new Searching(...opened.sort((one, other) => one.detects - other.detects));
  } catch (error) {
    for (const each of opened) await each.close();
    throw error;
  }
}

/** An embedder, which embeds logos and boxes, and a detector of the same embedding, which searches photos. Made by `open`. */
export class Searching {
  #embedder;
  #detector;

  constructor(embedder, detector) {
    const [one, other] = [embedder, detector].map(({ metadata }) => metadata);
    if (embedder.detects || !detector.detects) {
      throw new Refused(`${embedder.name} and ${detector.name} are of one kind: open an embedder's file and a detector's.`);
    }
    // The detector may have more, after those of the embedder.
    const same = ([row, vector]) => detector.backgrounds[row]?.every((value, place) => value === vector[place]);
    if (one.dimensions !== other.dimensions || ![...embedder.backgrounds.entries()].every(same)) {
      throw new Refused(`${detector.name} does not hold the embedding of ${embedder.name}: open files that were exported together.`);
    }
    this.#embedder = embedder;
    this.#detector = detector;
    const { name, metadata, engine, backgrounds, threshold, identity } = embedder;
    Object.assign(this, { name, metadata, engine, backgrounds, threshold, identity, detects: true });
    this.about = `${embedder.about}, ${detector.name}: ${detector.about}`;
    this.searchedThreshold = detector.searchedThreshold;
    this.searchedBackgrounds = detector.searchedBackgrounds;
  }

  /** As `Embedder.embed`. */
  embed(square) {
    return this.#embedder.embed(square);
  }

  /** As `Embedder.detect`. */
  detect(photo) {
    return this.#detector.detect(photo);
  }

  /** As `Embedder.probe`. */
  probe() {
    return this.#embedder.probe();
  }

  /** As `Embedder.agrees`. */
  agrees(identity, probe) {
    return this.#embedder.agrees(identity, probe);
  }

  /** Frees the memory of both models, after the calls under way. */
  async close() {
    await Promise.all([this.#embedder.close(), this.#detector.close()]);
  }
}
