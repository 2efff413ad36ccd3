const EVERY_MS = 1000;

/** Ends this process once the engine that started it is gone: one that was killed cannot stop its plugins. */
export function endWithEngine(): void {
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid !== engine) process.exit(1);
  }, EVERY_MS).unref();
}
