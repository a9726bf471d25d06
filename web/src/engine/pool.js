/** Workers with the network in each: jobs wait in a queue, and all can be stopped at once. */

export class Cancelled extends Error {
  constructor() {
    super("Cancelled.");
    this.name = "Cancelled";
  }
}

class NetworkWorker {
  constructor(url) {
    this.worker = new Worker(url);
    this.waiting = new Map();
    this.last = 0;
    this.worker.onmessage = ({ data: { id, result, error } }) => {
      const { resolve, reject } = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    };
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.stop(new Error(event.message || "a worker of the page stopped, perhaps for lack of memory"));
    };
  }

  ask(task, input, transfer = []) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, task, ...input }, transfer);
    });
  }

  stop(reason = new Cancelled()) {
    this.worker.terminate();
    for (const { reject } of this.waiting.values()) reject(reason);
    this.waiting.clear();
  }
}

export class Pool {
  /**
   * @param {string} script text of the workers.
   * @param {{wasm: Uint8Array, graphs: Record<string, Uint8Array>, description: object}} engine what each loads.
   * @param {number} size how many workers.
   */
  constructor(script, engine, size) {
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    this.workers = Array.from({ length: size }, () => new NetworkWorker(url));
    this.loaded = this.workers.map((worker) => worker.ask("load", engine));
    for (const loading of this.loaded) loading.catch(() => {});
    this.stopped = false;
    this.active = 0;
  }

  /** Run one job on the first worker. */
  async run(task, input) {
    await this.loaded[0];
    return this.workers[0].ask(task, input);
  }

  /** Wait until the first worker can compute. */
  async ready() {
    try {
      await this.loaded[0];
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /**
   * Run a job for each of `indices`; a free worker takes the one that `next` chooses.
   *
   * @param {string} task of `tasks.js`.
   * @param {number[]} indices what is to be done.
   * @param {object} handlers
   * @param {(index: number) => object} handlers.input makes the input of a job.
   * @param {(index: number, result: object) => void} handlers.done takes its result.
   * @param {(left: Set<number>) => number} [handlers.next] chooses; by default in order.
   */
  async each(task, indices, { input, done, next = (left) => left.values().next().value }) {
    const left = new Set(indices);
    const work = async (worker, loading) => {
      await loading;
      while (left.size && !this.stopped) {
        const index = next(left);
        left.delete(index);
        done(index, await worker.ask(task, input(index)));
      }
      if (this.stopped) throw new Cancelled();
    };
    this.active++;
    try {
      await Promise.all(this.workers.map((worker, i) => work(worker, this.loaded[i])));
    } catch (error) {
      // A worker that failed would leave the next job waiting.
      this.stop();
      throw error;
    } finally {
      this.active--;
    }
  }

  /** Stop all workers; jobs under way end with `Cancelled`. */
  stop() {
    this.stopped = true;
    for (const worker of this.workers) worker.stop();
  }
}

/** How many workers: one for each core, few where memory is short. */
export function poolSize() {
  const cores = navigator.hardwareConcurrency || 2;
  const memory = navigator.deviceMemory ?? 4;
  return Math.max(1, Math.min(cores, memory < 4 ? 2 : 4));
}
