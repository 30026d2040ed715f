/** Runs a model file of logo_keras in the browser: TFLite with LiteRT.js, ONNX with onnxruntime-web, both on the CPU. */

import { read, Refused } from "./metadata.js";
import { decode, fit, frame } from "./preprocessing.js";

const PACKAGES = new URL("node_modules/", import.meta.url).href;
// SharedArrayBuffer, and so threads, are there only where the server sends COOP and COEP headers.
const THREADS = globalThis.crossOriginIsolated ? Math.max(1, Math.min(4, navigator.hardwareConcurrency ?? 1)) : 1;

/** A model file, ready to recognize logos. Made by `Recognizer.open`; `close` frees its memory. */
export class Recognizer {
  #infer;
  #close;
  // LiteRT.js and onnxruntime-web take one call at a time.
  #last = Promise.resolve();

  constructor(metadata, engine, { infer, close, version }) {
    this.metadata = metadata;
    this.engine = `${engine} ${version}, ${THREADS} thread${THREADS > 1 ? "s" : ""}`;
    this.#infer = infer;
    this.#close = close;
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
      throw new Refused(`${name}: an embedder, which names no brands: this page needs a file of a model that does.`);
    }
    const [engine, start] = metadata.format === "tflite" ? ["LiteRT.js", litert] : ["onnxruntime-web", onnxruntime];
    const running = await start(bytes, metadata, name);
    const [size, classes] = [metadata.image_size, metadata.class_names.length];
    try {
      // Also the engine's first call, which is slower than the rest.
      const { probabilities } = await running.infer(new Uint8Array(size * size * 3));
      if (probabilities?.length !== classes) {
        const came = probabilities ? `${probabilities.length} probabilities` : "no probabilities";
        throw new Refused(`${name}: gives ${came} for the ${classes} class names of its metadata: export the model again.`);
      }
    } catch (error) {
      await running.close();
      throw error instanceof Refused ? error : broken(name, engine, error);
    }
    return new Recognizer(metadata, engine, running);
  }

  /**
   * Recognizes one photograph.
   *
   * @param {Blob | HTMLVideoElement | ImageBitmap | ImageData} source an image file, a frame, or what `decode` gave.
   * @param {number} top how many classes to name.
   * @returns {Promise<{labels: string[], probabilities: number[], region_boxes: number[][], region_scores: number[],
   *     milliseconds: {decode: number, fit: number, infer: number}}>} best first; boxes (y0, x0, y1, x1) in px of the
   *     upright photograph.
   * @throws {UnreadablePhotograph}
   */
  async recognize(source, top = 3) {
    const turn = this.#last.then(() => this.#recognize(source, top));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #recognize(source, top) {
    const { class_names: names, image_size: size, preprocessing } = this.metadata;
    const times = [performance.now()];
    const photo = source instanceof ImageData ? source : await decode(source);
    times.push(performance.now());
    const image = fit(photo, size, preprocessing);
    times.push(performance.now());
    const { probabilities, region_boxes: boxes = [], region_scores: scores = [] } = await this.#infer(image);
    times.push(performance.now());
    // Sorting is stable: of equal probabilities the class that was named first comes first.
    const best = names.map((_, index) => index).sort((one, other) => probabilities[other] - probabilities[one]);
    const { side, offset } = frame(preprocessing, size);
    const scales = [photo.height / side, photo.width / side];
    return {
      labels: best.slice(0, top).map((index) => names[index]),
      probabilities: best.slice(0, top).map((index) => probabilities[index]),
      region_boxes: Array.from(scores, (_, region) =>
        Array.from(boxes.slice(region * 4, region * 4 + 4), (edge, axis) => (edge + offset) * scales[axis % 2]),
      ),
      region_scores: Array.from(scores),
      milliseconds: { decode: times[1] - times[0], fit: times[2] - times[1], infer: times[3] - times[2] },
    };
  }

  /** Frees the model's memory, after the calls under way. */
  async close() {
    await this.#last;
    await this.#close();
  }
}

/** An engine is {infer, close, version}; `infer` takes RGB bytes [S, S, 3] and gives flat float32 arrays by output name. */
async function litert(bytes, { image_size: size }, name) {
  const { getGlobalLiteRtPromise, loadAndCompile, loadLiteRt, Tensor } = await import("@litertjs/core");
  await (getGlobalLiteRtPromise() ?? loadLiteRt(`${PACKAGES}@litertjs/core/wasm/`, { threads: THREADS > 1 }));
  const { version } = await (await fetch(`${PACKAGES}@litertjs/core/package.json`)).json();
  let model;
  try {
    model = await loadAndCompile(bytes, { accelerator: "wasm", cpuOptions: { numThreads: THREADS } });
  } catch (error) {
    throw broken(name, "LiteRT.js", error);
  }
  const close = () => model.delete();
  const [input, ...others] = model.getInputDetails();
  try {
    check(name, others.length ? undefined : input.name, input.dtype, [...input.shape], size);
  } catch (error) {
    close();
    throw error;
  }
  const infer = async (image) => {
    const images = new Tensor(numbers(image, input.dtype), [1, size, size, 3]);
    let outputs = {};
    try {
      outputs = await model.run({ images });
      return Object.fromEntries(Object.entries(outputs).map(([output, tensor]) => [output, tensor.toTypedArray()]));
    } finally {
      // Memory of WebAssembly, which nothing else frees.
      for (const tensor of [images, ...Object.values(outputs)]) tensor.delete();
    }
  };
  return { infer, close, version };
}

async function onnxruntime(bytes, { image_size: size }, name) {
  const ort = await import("./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs");
  ort.env.wasm.wasmPaths = `${PACKAGES}onnxruntime-web/dist/`;
  ort.env.wasm.numThreads = THREADS;
  let session;
  try {
    session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  } catch (error) {
    throw broken(name, "onnxruntime-web", error);
  }
  const close = () => session.release();
  const [input, ...others] = session.inputMetadata;
  try {
    check(name, others.length ? undefined : input.name, input.type, input.shape, size);
  } catch (error) {
    await close();
    throw error;
  }
  const infer = async (image) => {
    const images = new ort.Tensor(input.type, numbers(image, input.type), [1, size, size, 3]);
    const outputs = await session.run({ images });
    return Object.fromEntries(Object.entries(outputs).map(([output, tensor]) => [output, tensor.data]));
  };
  return { infer, close, version: ort.env.versions.web };
}

/** Refuses a file whose input is another than one photograph; a free batch is named or negative, not a number above 0. */
function check(name, input, type, shape, size) {
  const [batch, ...rest] = shape;
  const fits = input === "images" && ["float32", "uint8"].includes(type) && `${rest}` === `${[size, size, 3]}`;
  if (!fits || (batch > 0 && batch !== 1)) {
    throw new Refused(
      `${name}: takes ${input ?? "several inputs"} (${type}, ${shape.join(" x ")}) where this page gives images ` +
        `(float32 or uint8, 1 x ${size} x ${size} x 3): export the model with --batch=1.`,
    );
  }
}

function numbers(image, type) {
  return type === "uint8" ? image : Float32Array.from(image);
}

function broken(name, engine, error) {
  const reason = error?.message ?? error;
  return new Refused(`${name}: ${engine} cannot run this file (${reason}): copy it again or export the model again.`);
}
