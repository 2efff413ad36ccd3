/** What one of the stand-in's programs answers. */
export interface Output {
  readonly code: number;
  readonly stdout: string | Buffer;
  readonly stderr: string;
}

export function printed(stdout: string | Buffer = ""): Output {
  return { code: 0, stdout, stderr: "" };
}

export function failed(code: number, stderr: string): Output {
  return { code, stdout: "", stderr };
}

/** A program of the stand-in: argv without its name. */
export type Program = (argv: readonly string[]) => Output | Promise<Output>;

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}
