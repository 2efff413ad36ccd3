import { performance } from "node:perf_hooks";

/** Numbered steps on stderr with the seconds since the start, so that stdout stays for results. */
export class Progress {
  readonly #start = performance.now();
  readonly #total: number;
  #step = 0;

  constructor(total: number) {
    this.#total = total;
  }

  step(title: string): void {
    this.#step += 1;
    this.#line(`[${this.#step}/${this.#total}] ${title}`);
  }

  readonly note = (text: string): void => {
    this.#line(`      ${text}`);
  };

  #line(text: string): void {
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds}s ${text}\n`);
  }
}
