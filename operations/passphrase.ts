import { randomBytes } from "node:crypto";
import { link, lstat, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "./error.ts";

/** The variables for the engine that say where the passphrase is; its value is in none that we make. */
export type PassphraseEnvironment = Readonly<Record<string, string>>;

/**
 * The passphrase of a state directory: 256 random bits in the file `passphrase`, 0600, made once. A passphrase that the
 * operator's environment names (PULUMI_CONFIG_PASSPHRASE, PULUMI_CONFIG_PASSPHRASE_FILE) comes first, and then no file
 * is made.
 * @throws {OperationError} `passphrase-lost` when stacks are there but not the file: a new one could not read them;
 * `passphrase-file` when others can read it or it is empty.
 */
export async function ensurePassphrase(stateDir: string, env: NodeJS.ProcessEnv): Promise<PassphraseEnvironment> {
  if (env["PULUMI_CONFIG_PASSPHRASE"] !== undefined || env["PULUMI_CONFIG_PASSPHRASE_FILE"] !== undefined) return {};
  const file = join(stateDir, "passphrase");
  if (!(await exists(file))) {
    if (await holdsStacks(stateDir)) {
      throw OperationError.of(
        "passphrase-lost",
        `${stateDir} holds stacks, but the passphrase that encrypts their secrets is gone (${file})`,
        "restore the file from a backup, or set PULUMI_CONFIG_PASSPHRASE_FILE; a new passphrase can't read the state",
      );
    }
    await create(file);
  }
  await check(file);
  return { PULUMI_CONFIG_PASSPHRASE_FILE: file };
}

/** `link` instead of `rename`: of two runs at the same time one wins and both use its passphrase. */
async function create(file: string): Promise<void> {
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(`${randomBytes(32).toString("base64url")}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(temporary, file).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    });
  } finally {
    await rm(temporary, { force: true });
  }
  const directory = await open(join(file, ".."), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function check(file: string): Promise<void> {
  const found = await lstat(file);
  const bad = (what: string, fix: string): OperationError =>
    OperationError.of("passphrase-file", `${file} ${what}`, fix);
  if (!found.isFile()) throw bad("is not a regular file", "put the passphrase itself there");
  if (found.uid !== process.geteuid?.()) throw bad("belongs to another user", "use a state directory of your own");
  if ((found.mode & 0o077) !== 0) throw bad("can be read by others", `chmod 600 ${file}`);
  if (found.size === 0) throw bad("is empty", "restore it from a backup, or remove it if there is no stack yet");
}

/** Whether anything here was encrypted already: a stack of the file backend, or settings with a salt. */
async function holdsStacks(stateDir: string): Promise<boolean> {
  const stacks = await names(join(stateDir, "backend", ".pulumi", "stacks"));
  const settings = (await names(join(stateDir, "project"))).filter((name) => /^Pulumi\..+\.yaml$/.test(name));
  return stacks.length > 0 || settings.length > 0;
}

async function names(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    },
  );
}
