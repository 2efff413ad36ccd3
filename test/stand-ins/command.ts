import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a stand-in prints and how it ends, however it is called. */
export interface Behaviour {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly status?: number;
  /** It never ends by itself. */
  readonly hangs?: true;
}

/**
 * A stand-in for a vendor's command line (op, gcloud, az, security): a shell script that prints what the vendor's
 * documentation or a recorded run says. It proves how Gatehouse calls it and reads it, not what the vendor does.
 */
export class CommandStandIn {
  readonly #directory: string;
  readonly #name: string;

  /** @param directory One that is on the PATH of the caller. */
  constructor(directory: string, name: string, { stdout = "", stderr = "", status = 0, hangs }: Behaviour) {
    this.#directory = directory;
    this.#name = name;
    writeFileSync(join(directory, `${name}.stdout`), stdout);
    writeFileSync(join(directory, `${name}.stderr`), stderr);
    const own = `${directory}/${name}`;
    const script = [
      "#!/bin/sh",
      `printf '%s\\n' "$*" >> '${own}.calls'`,
      `env > '${own}.env'`,
      ...(hangs === undefined ? [] : ["exec sleep 600"]),
      `cat '${own}.stdout'; cat '${own}.stderr' >&2; exit ${status}`,
    ];
    writeFileSync(own, `${script.join("\n")}\n`);
    chmodSync(own, 0o755);
  }

  /** The arguments of every call. */
  get calls(): readonly string[] {
    const path = join(this.#directory, `${this.#name}.calls`);
    return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  }

  /** The variables of the last call. */
  get environment(): string {
    return readFileSync(join(this.#directory, `${this.#name}.env`), "utf8");
  }
}
