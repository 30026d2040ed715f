/** Runs a model file of logo_keras in the browser: TFLite with LiteRT.js, ONNX with onnxruntime-web, both on the CPU. */

import { Refused } from "./metadata.js";

const PACKAGES = new URL("node_modules/", import.meta.url).href;
// SharedArrayBuffer, and so threads, are there only where the server sends COOP and COEP headers.
const THREADS = globalThis.crossOriginIsolated ? Math.max(1, Math.min(4, navigator.hardwareConcurrency ?? 1)) : 1;

/** A model file in its engine, whatever it gives. Made by `Runner.open`; `close` frees its memory. */
export class Runner {
  #running;
  // LiteRT.js and onnxruntime-web take one call at a time.
  #last = Promise.resolve();

  constructor(engine, running) {
    this.engine = `${engine} ${running.version}, ${THREADS} thread${THREADS > 1 ? "s" : ""}`;
    this.#running = running;
  }

  /**
   * Starts the engine of a model file.
   *
   * @param {Uint8Array} bytes the whole file.
   * @param {string} name names the file in errors.
   * @param {object} metadata what `metadata.read` gave of it.
   * @param {Object<string, [number, string]>} needed of each output that it must give how many numbers, and what they are for.
   * @returns {Promise<Runner>}
   * @throws {Refused} if the engine cannot run it, it does not take single photographs, or gives something else.
   */
  static async open(bytes, name, metadata, needed) {
    const [engine, start] = metadata.format === "tflite" ? ["LiteRT.js", litert] : ["onnxruntime-web", onnxruntime];
    const running = await start(bytes, metadata, name);
    const size = metadata.image_size;
    try {
      // Also the engine's first call, which is slower than the rest.
      const outputs = await running.infer(new Uint8Array(size * size * 3));
      for (const [output, [count, what]] of Object.entries(needed)) {
        if (outputs[output]?.length === count) continue;
        const came = outputs[output] ? `${outputs[output].length} ${output}` : `no ${output}`;
        throw new Refused(`${name}: gives ${came} for the ${what} of its metadata: export the model again.`);
      }
    } catch (error) {
      await running.close();
      throw error instanceof Refused ? error : broken(name, engine, error);
    }
    return new Runner(engine, running);
  }

  /**
   * Runs the file on one image, after the calls under way.
   *
   * @param {Uint8Array | Float32Array} image RGB [S, S, 3].
   * @returns {Promise<Object<string, Float32Array>>} flat, by the name of the output.
   */
  infer(image) {
    const turn = this.#last.then(() => this.#running.infer(image));
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Frees the model's memory, after the calls under way. */
  async close() {
    await this.#last;
    await this.#running.close();
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
  if (type === "float32") return Float32Array.from(image);
  // Rounded, halves to even, and kept within 0 and 255.
  return image instanceof Uint8Array ? image : new Uint8Array(Uint8ClampedArray.from(image).buffer);
}

function broken(name, engine, error) {
  const reason = error?.message ?? error;
  return new Refused(`${name}: ${engine} cannot run this file (${reason}): copy it again or export the model again.`);
}
