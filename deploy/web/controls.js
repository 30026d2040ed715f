/** What both pages have: the menu of models, the line that says what happens, files that are chosen, pasted or dropped. */

import { Refused } from "./metadata.js";
import { UnreadablePhotograph } from "./preprocessing.js";

export const element = (id) => document.getElementById(id);

export function say(status) {
  element("status").textContent = status;
}

/** Says what was wrong; a fault of the page goes to the console too. */
export function report(error) {
  const expected = error instanceof Refused || error instanceof UnreadablePhotograph;
  if (!expected) console.error(error);
  element("problem").textContent = expected ? error.message : `Something went wrong: ${error?.message ?? error}`;
  element("problem").hidden = false;
  say("");
}

/** Lets the browser show what was said before the engine keeps this thread busy. */
export function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}

export function isModel(file) {
  return /\.(tflite|onnx)$/i.test(file.name ?? "");
}

/** The menu of models: those that the server lists, and files of this device. */
export class ModelMenu {
  #open;
  #take;
  // The entry that is used.
  #used;
  // Of two models chosen in quick succession, the later one counts.
  #turn = 0;

  /**
   * @param {(files: {bytes: Uint8Array, name: string}[]) => Promise<{close: Function}>} open opens the files of an entry: one, or
   *     two that work together.
   * @param {(model: object, name: string) => Promise<void>} take makes the page use it; where that fails, the one before stays.
   */
  constructor(open, take) {
    this.#open = open;
    this.#take = take;
    element("model").addEventListener("change", ({ target }) => this.#use(target.selectedOptions[0]));
  }

  /** Opens the model of this name of those that the server lists, or the first that the page can use; else says how to begin. */
  async list(invitation, preferred) {
    const select = element("model");
    // A server of plain files has no list; models are then opened from this device.
    const response = await fetch("models.json").catch(() => undefined);
    const models = response?.ok ? await response.json() : [];
    for (const { name, url, detector } of models) {
      const files = [{ name, url }, ...(detector ? [detector] : [])];
      select.add(entry(name, files.map((file) => ({ name: file.name, load: () => fetched(file.url) }))));
    }
    select.disabled = !models.length;
    if (!models.length) return say(invitation);
    // A list may hold models of both pages.
    const isPreferred = ({ label }) => label === preferred;
    for (const option of [...select.options].sort((one, other) => isPreferred(other) - isPreferred(one))) {
      if (await this.#use(option)) return;
    }
  }

  /** Opens files of this device as one entry. */
  openFiles(files) {
    const loaded = files.map((file) => ({ name: file.name, load: async () => new Uint8Array(await file.arrayBuffer()) }));
    return this.#use(entry(files.map(({ name }) => name).join(" and "), loaded));
  }

  /** Opens an entry's model; false where it is refused. */
  async #use(option) {
    const turn = ++this.#turn;
    const select = element("model");
    element("problem").hidden = true;
    say(`Loading ${option.label} …`);
    let opened;
    try {
      const files = await Promise.all(option.files.map(async ({ name, load }) => ({ name, bytes: await load() })));
      await painted();
      opened = await this.#open(files);
      if (turn !== this.#turn) {
        await opened.close();
        return true;
      }
      await this.#take(opened, option.label);
    } catch (error) {
      await opened?.close();
      if (turn !== this.#turn) return true;
      if (this.#used) this.#used.selected = true;
      report(error);
      return false;
    }
    if (!option.parentElement) select.add(option);
    select.disabled = false;
    option.selected = true;
    this.#used = option;
    return true;
  }
}

/**
 * Passes on files that are chosen with a button, pasted or dropped.
 *
 * @param {[string, string, (files: File[]) => void][]} choosers of each button its id, that of its input, and what is done.
 * @param {(files: File[], target: Element) => void} take takes what is pasted or dropped.
 */
export function receive(choosers, take) {
  for (const [button, input, chosen] of choosers) {
    element(button).addEventListener("click", () => element(input).click());
    element(input).addEventListener("change", ({ target }) => {
      const files = [...target.files];
      if (files.length) chosen(files);
      // So that the same file can be chosen again.
      target.value = "";
    });
  }
  const given = ({ files }, target) => files.length && take([...files], target);
  document.addEventListener("paste", (event) => given(event.clipboardData, event.target));
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
    given(event.dataTransfer, event.target);
  });
}

function entry(name, files) {
  return Object.assign(new Option(name), { files });
}

async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Refused(`${url}: the server answers ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}
