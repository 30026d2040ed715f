/** Where the gallery stays in the browser: its file, in IndexedDB. */

import { Refused } from "./metadata.js";

const [DATABASE, STORE, KEY] = ["logo_keras", "galleries", "gallery"];

/**
 * The gallery as it was kept.
 *
 * @returns {Promise<{bytes: Blob, revision: string} | undefined>}
 */
export async function load() {
  return transact("readonly", (store) => store.get(KEY));
}

/**
 * Keeps the gallery, unless another tab has kept one meanwhile.
 *
 * @param {Blob} bytes the file.
 * @param {string | undefined} known the revision that was loaded or kept before; undefined where there was none.
 * @returns {Promise<string>} the new revision.
 * @throws {Refused} if another tab has kept one since, or the browser has no room.
 */
export async function keep(bytes, known) {
  const revision = `${Date.now()} ${Math.random()}`;
  const kept = await transact("readwrite", (store) => {
    const before = store.get(KEY);
    // In the same transaction: no other tab comes between.
    before.onsuccess = () => before.result?.revision === known && store.put({ bytes, revision }, KEY);
    return before;
  });
  if (kept?.revision !== known) {
    throw new Refused("Another tab has changed the gallery since: load this page again, and repeat the change.");
  }
  return revision;
}

/** Does something in a transaction, and waits until it is done; gives the result of the request. */
async function transact(mode, act) {
  try {
    const database = await settled(Object.assign(indexedDB.open(DATABASE, 1), {
      onupgradeneeded: ({ target }) => target.result.createObjectStore(STORE),
    }));
    try {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request.error);
      });
      return request.result;
    } finally {
      database.close();
    }
  } catch (error) {
    throw new Refused(
      `This browser does not keep the gallery (${error?.message ?? error}): save it as a file before you leave the page.`,
    );
  }
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
