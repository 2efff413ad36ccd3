/** What launchd says of a job's starts at one moment. */
export interface Moment {
  /** Which boot this is; null where the system does not say. */
  readonly boot: string | null;
  /** Starts since the job was loaded; 0 when it is not. */
  readonly runs: number;
  readonly pid: number;
}

/** What is remembered of a job from one reading of its log to the next. */
export interface Load {
  readonly boot: string | null;
  readonly runs: number;
  /** Root noted a start of which `runs` tells nothing yet. */
  readonly marked: boolean;
}

/** Starts that root noted nothing of. */
export interface Starts {
  /** Of a job that a boot or a hand loaded. */
  readonly loads: 0 | 1;
  /** Of a job that was loaded already. */
  readonly restarts: number;
}

const NONE: Starts = { loads: 0, restarts: 0 };

/**
 * The starts between two readings, out of launchd's counter, which begins anew each time that the job is loaded. Root
 * notes a start after the old process is gone and before it loads the job, so a process that was there before and after a
 * reading had its mark in what was read. What happened to a load that is no more cannot be told.
 */
export function startsSince(
  last: Load | null,
  [before, after]: readonly [before: Moment, after: Moment],
  newMarks: boolean,
): { readonly starts: Starts; readonly load: Load | null } {
  const marked = newMarks || last?.marked === true;
  const steady = before.boot === after.boot && before.runs === after.runs && before.pid === after.pid;
  if (!steady) {
    // it was being started: the next reading tells what became of it
    const load = last ?? (marked ? { boot: before.boot, runs: 0, marked } : null);
    return { starts: NONE, load: load && { ...load, marked } };
  }
  const { boot, runs } = after;
  const rebooted = last !== null && last.boot !== null && boot !== null && last.boot !== boot;
  const load = { boot, runs, marked: runs === 0 && marked && !rebooted };
  // nobody knows what was counted before
  if (runs === 0 || (last === null && !marked)) return { starts: NONE, load };
  if (last !== null && !marked && !rebooted && last.runs > 0 && runs >= last.runs)
    return { starts: { loads: 0, restarts: runs - last.runs }, load };
  return { starts: { loads: marked && !rebooted ? 0 : 1, restarts: runs - 1 }, load };
}
