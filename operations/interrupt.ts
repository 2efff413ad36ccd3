/**
 * A signal that aborts when this process is told to end, so that the engine can stop in order and release its lock.
 * Ctrl-C at a terminal reaches the engine by itself; a second one from here would make it stop without order.
 */
export function interruptSignal(note: (line: string) => void): AbortSignal {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) return;
    note(`${name}: stopping ...`);
    if (name !== "SIGINT" || !process.stdin.isTTY) controller.abort();
  };
  // `on`, not `once`: with the last listener gone the Automation API's own handler would end this process at once
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, stop);
  return controller.signal;
}
