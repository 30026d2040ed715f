/** The gallery: brands known by a few pictures each, recognized without training. The counterpart of logo_keras/gallery. */

import { decoded, IN_ONE_COLOUR, PHOTO, pictures } from "./artwork.js";
import { dot } from "./embedder.js";
import * as file from "./gallery_file.js";
import { Refused } from "./metadata.js";
import { apart, likeliest, look, merged } from "./places.js";

// Cosine from which on two pictures are the same mark in another size or file. As in Python.
const SAME = 0.999;

/**
 * Brands and their references.
 *
 * A reference is {label, vector, digest, kind, drawn, source, box, file, crop, thumbnail}: a Float32Array of length 1, texts, a
 * box or null, and the bytes of two image files or undefined.
 */
export class Gallery {
  #model;
  #labels = [];
  #references = [];
  // What is known beside the references, as in gallery.json, and of the embedding the probe and the backgrounds.
  #about;

  constructor(model) {
    this.#model = model;
    this.#about = {
      rule: null, threshold: null, by_hand: false, thresholds: new Map(), calibration: null, calibrated_on: [],
    };
    if (model) this.#begin(model);
  }

  /**
   * Opens a `.gallery` file. It can be listed and changed at once; to add and to recognize, `use` a model.
   *
   * @param {Uint8Array} bytes the whole file.
   * @param {string} name names the file in errors.
   * @returns {Gallery}
   * @throws {Refused} if it is no gallery, damaged, or of a later version.
   */
  static open(bytes, name) {
    const gallery = new Gallery();
    const { labels, references, about } = file.read(bytes, name);
    gallery.#labels = labels;
    gallery.#references = references;
    gallery.#about = about;
    return gallery;
  }

  /** The brands, in the order in which they came. */
  get labels() {
    return [...this.#labels];
  }

  /** The name of the embedding that the vectors are of, or undefined. */
  get embedding() {
    return this.#about.embedding?.name;
  }

  /** Where the threshold comes from: "calibrated", "embedding", "backgrounds", or null. */
  get rule() {
    return this.#about.rule;
  }

  /** Whether thresholds were fitted to photos that a detector searched. */
  get calibratedSearching() {
    return Boolean(this.#about.calibration?.searched);
  }

  /** The threshold that counts instead in photos that are searched: that of the detector. Undefined where none does. */
  get searchedThreshold() {
    const { rule, by_hand: byHand } = this.#about;
    return rule === "embedding" && !byHand ? this.#model?.searchedThreshold ?? undefined : undefined;
  }

  /** The references of a brand, in the order in which they came. */
  references(label) {
    return this.#references.filter((each) => each.label === label);
  }

  /** Whether the vectors are those of a model, so that nothing must be embedded anew. */
  async agrees(model) {
    const { embedding, probe } = this.#about;
    return Boolean(embedding && (probe ? await model.agrees(embedding.identity, probe) : embedding.identity === model.identity));
  }

  /**
   * Takes a model. Where the vectors are of another, all references are embedded anew from the crops that were kept, and
   * thresholds are dropped; where that fails, the gallery is as it was.
   *
   * @param {Embedder | Searching} model
   * @param {(done: number, count: number) => void} [progress]
   * @returns {Promise<boolean>} whether they were embedded anew.
   * @throws {Refused} if the crop of a reference was not kept or is damaged.
   */
  async use(model, progress = () => {}) {
    if (await this.agrees(model)) {
      this.#model = model;
      return false;
    }
    const references = this.#references;
    const vectors = [];
    for (const { label, source, crop } of references) {
      progress(vectors.length, references.length);
      const again = `a reference of ${label} (${source})`;
      if (!crop) throw new Refused(`The picture of ${again} was not kept, so that it cannot be embedded with ${model.name}.`);
      const image = await decoded(crop).catch(() => {
        throw new Refused(`The picture of ${again} is damaged: remove it, or take an older copy of the gallery.`);
      });
      vectors.push(await model.embed(image));
    }
    if (this.#references !== references) throw new Refused("The gallery was changed meanwhile: choose the model again.");
    this.#references = references.map((each, row) => ({ ...each, vector: vectors[row] }));
    this.#model = model;
    this.#begin(model);
    return references.length > 0;
  }

  /**
   * Adds references to a brand, new or known. All of them, or none where one cannot be used.
   *
   * @param {string} label
   * @param {object[]} crops as `artwork.ofArtwork` and `artwork.ofPhoto` make them.
   * @returns {Promise<object[]>} references, those that are new. What the brand has already is passed over.
   * @throws {Refused} if the label is no name, or another brand has the same mark.
   */
  async add(label, crops) {
    label = labelOf(label);
    const model = this.#needed();
    const made = [];
    for (const { image, ...known } of crops) {
      const { crop, thumbnail } = await pictures({ image, kind: known.kind });
      // The vector of what is kept: JPEG changes a photo.
      const seen = known.kind === PHOTO ? await decoded(crop) : image;
      made.push({ label, vector: await model.embed(seen), ...known, crop, thumbnail });
    }
    if (model !== this.#model) throw new Refused("Another model was opened meanwhile: add the logo again.");
    // Only now, and at once: others may have been added meanwhile.
    const own = new Set(this.references(label).map(({ digest }) => digest));
    const taken = made.filter((each) => !own.has(each.digest) && this.#isDistinct(each));
    if (taken.length) {
      if (!this.#labels.includes(label)) this.#labels = [...this.#labels, label];
      this.#references = [...this.#references, ...taken];
      this.#forget(label);
    }
    return taken;
  }

  /** Removes a brand; with `digest` one of its references, and with the last one the brand. */
  remove(label, digest) {
    const stays = (each) => each.label !== label || (digest !== undefined && each.digest !== digest);
    this.#references = this.#references.filter(stays);
    if (!this.references(label).length) this.#labels = this.#labels.filter((each) => each !== label);
    this.#forget(label);
  }

  /**
   * Gives a brand another name. Where another brand has it, they become one.
   *
   * @throws {Refused} if the name is none.
   */
  rename(old, name) {
    name = labelOf(name);
    if (name === old) return;
    const own = this.#about.thresholds.get(old);
    const merges = this.#labels.includes(name);
    const digests = new Set(this.references(name).map(({ digest }) => digest));
    this.#references = this.#references
      .filter(({ label, digest }) => label !== old || !digests.has(digest))
      .map((each) => (each.label === old ? { ...each, label: name } : each));
    this.#labels = merges
      ? this.#labels.filter((each) => each !== old)
      : this.#labels.map((each) => (each === old ? name : each));
    this.#forget(old, ...(merges ? [name] : []));
    if (!merges && own !== undefined) this.#about.thresholds.set(name, own);
  }

  /**
   * Names the brands in a photo.
   *
   * Without boxes a detector finds the places; without a detector the photo as a whole is one mark.
   *
   * @param {ImageData} photo decoded.
   * @param {number} top most brands a place.
   * @param {number[][]} [boxes] (y0, x0, y1, x1) px of the photo.
   * @returns {Promise<{label: string, similarity: number, box: number[], reference: object}[]>} best first; empty where nothing
   *     is known.
   * @throws {Refused} if the gallery has no references, or a box is empty.
   */
  async recognize(photo, top = 3, boxes = undefined) {
    const model = this.#needed();
    if (!this.#labels.length) throw new Refused("There are no logos yet: add some first.");
    const seen = await look(model, photo, boxes);
    // What is asked about is the gallery as it is now.
    const labels = this.#labels;
    const similarities = seen.vectors.map((vector) => this.#similarities(labels, vector, seen.searched));
    const common = (seen.searched ? this.searchedThreshold : undefined) ?? this.#about.threshold ?? -Infinity;
    const limits = labels.map((label) => this.#about.thresholds.get(label) ?? common);
    const known = similarities.map((row) => {
      const standings = this.#about.rule === "embedding" ? apart(row) : row;
      // In 32 bits, as Python compares them.
      return standings.map((value, brand) => Math.fround(value) >= Math.fround(limits[brand]));
    });
    const named = likeliest(similarities, known, top);
    const homes = seen.searched ? merged(named, seen.boxes, top) : named.map(({ place }) => place);
    return named.flatMap(({ brand, place, similarity }, number) => {
      const home = homes[number];
      if (home === undefined) return [];
      const reference = nearest(this.references(labels[brand]), seen.vectors[place]).reference;
      return [{ label: labels[brand], similarity, box: seen.boxes[home], reference }];
    });
  }

  /**
   * The `.gallery` file, which Python opens too.
   *
   * @returns {Promise<Blob>}
   */
  async bytes() {
    if (!this.#about.probe) this.#about.probe = await this.#needed().probe();
    return file.write(this.#labels, this.#references, this.#about);
  }

  #begin(model) {
    const { backgrounds, threshold = null, identity, name, metadata } = model;
    const rule = threshold !== null ? "embedding" : backgrounds.length ? "backgrounds" : null;
    this.#about = {
      ...this.#about,
      embedding: { identity, name, image_size: metadata.image_size },
      logo_keras: metadata.version,
      rule,
      threshold: rule === "backgrounds" ? 0 : threshold,
      by_hand: false,
      thresholds: new Map(),
      calibration: null,
      backgrounds,
      probe: undefined,
    };
  }

  #needed() {
    if (!this.#model) throw new Refused("There is no model yet: open the file of an embedder or a detector.");
    return this.#model;
  }

  #similarities(labels, vector, searched) {
    const detectors = searched ? this.#model.searchedBackgrounds : undefined;
    const backgrounds = detectors?.length ? detectors : this.#about.backgrounds;
    const behind = backgrounds.length ? Math.max(...backgrounds.map((each) => dot(each, vector))) : 0;
    const best = new Map(labels.map((label) => [label, -Infinity]));
    for (const each of this.#references) best.set(each.label, Math.max(best.get(each.label), dot(each.vector, vector)));
    return labels.map((label) => best.get(label) - behind);
  }

  /** Whether a new reference can be told from those of other brands; a drawing in one colour that cannot is passed over. */
  #isDistinct({ label, digest, vector, kind, drawn, source }) {
    const others = this.#references.filter((each) => each.label !== label);
    if (!others.length) return true;
    const owner = others.find((each) => each.digest === digest);
    const { reference, cosine } = nearest(others, vector);
    if (!owner && (cosine < SAME || kind === PHOTO)) return true;
    if (IN_ONE_COLOUR.includes(drawn)) return false;
    const theirs = owner ?? reference;
    throw new Refused(
      `${source} shows the mark of ${theirs.label} once more (${theirs.source}, ${theirs.drawn}): ${label} and ${theirs.label} ` +
        "could not be told apart. Give both the same name, or remove the other first.",
    );
  }

  /** Drops thresholds that were fitted to other references. */
  #forget(...labels) {
    for (const label of labels) this.#about.thresholds.delete(label);
  }
}

/**
 * A brand's name in the form in which names are compared.
 *
 * @throws {Refused} if it is no name.
 */
export function labelOf(name) {
  if (typeof name !== "string" || !name.trim()) throw new Refused("A brand needs a name.");
  return name.normalize("NFC");
}

function nearest(references, vector) {
  let [best, cosine] = [undefined, -Infinity];
  for (const reference of references) {
    const found = dot(reference.vector, vector);
    if (found > cosine) [best, cosine] = [reference, found];
  }
  return { reference: best, cosine };
}
