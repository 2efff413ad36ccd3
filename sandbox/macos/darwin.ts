import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";

/*
 * Stand-in: loaded in front of everything by the launcher that the served archive of Node has as bin/node
 * (node-archive.ts). The Node underneath is the one for Linux.
 *
 * Gatehouse's own program is told that it runs on macOS, and /proc, which macOS does not have, is hidden from it. npm and
 * OpenClaw see Linux: they would choose native modules for macOS, which do not load here.
 */
const PRODUCT = /^(?:\/private)?\/opt\/gatehouse\/program\//;
const BINARY = /\/libexec\/node$/;
/** Darwin of macOS 26.5. */
const RELEASE = "25.5.0";

type Call = (...args: unknown[]) => unknown;

function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true });
}

function absent(call: string, path: string): Error {
  const error = new Error(`ENOENT: no such file or directory, ${call} '${path}'`);
  return Object.assign(error, { code: "ENOENT", errno: -2, syscall: call, path });
}

/** Makes a function that takes a path first fail below /proc. */
function hideProc(object: object, name: string, fail: (error: Error) => unknown): void {
  const original = Reflect.get(object, name) as Call;
  define(object, name, (...args: unknown[]) => {
    const [path] = args;
    if (typeof path === "string" && /^\/proc(\/|$)/.test(path)) return fail(absent(name, path));
    return original.apply(object, args);
  });
}

// whoever starts this Node again goes through the launcher again
define(process, "execPath", process.execPath.replace(BINARY, "/bin/node"));
const own = process.execArgv.findIndex((word) => word.endsWith("/darwin.cjs"));
if (own > 0) define(process, "execArgv", process.execArgv.toSpliced(own - 1, 2));

if (PRODUCT.test(process.argv[1] ?? "")) {
  define(process, "platform", "darwin");
  define(os, "platform", () => "darwin");
  define(os, "type", () => "Darwin");
  define(os, "release", () => RELEASE);
  for (const name of ["readFile", "readdir", "readlink", "open", "stat", "lstat", "access", "realpath"]) {
    hideProc(fs.promises, name, async (error) => Promise.reject(error));
    hideProc(fs, `${name}Sync`, (error) => {
      throw error;
    });
  }
  syncBuiltinESMExports();
}
