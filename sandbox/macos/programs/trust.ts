import { existsSync } from "node:fs";
import { readFaults } from "../faults.ts";
import { failed, printed, type Output } from "./output.ts";
import { readState, writeState } from "./state.ts";

/** Path -> attribute -> value. */
type Attributes = Record<string, Record<string, string>>;

/** Stand-in for xattr: list, -p, -w, -d, -c. Source: man xattr; the text of a missing one in facts/macos.md 4. */
export function xattr(argv: readonly string[]): Output {
  const letters = argv.filter((word) => /^-[a-z]+$/.test(word)).join("").replaceAll("-", ""); // prettier-ignore
  const words = argv.filter((word) => !/^-[a-z]+$/.test(word));
  const all = readState<Attributes>("xattr", {});
  const valued = letters.includes("w") ? 2 : /[pd]/.test(letters) ? 1 : 0;
  const [name = "", value = ""] = words;
  let [stdout, stderr] = ["", ""];
  for (const path of words.slice(valued)) {
    const own = all[path] ?? {};
    if (!existsSync(path)) stderr += `xattr: No such file: ${path}\n`;
    else if (letters.includes("w")) all[path] = { ...own, [name]: value };
    else if (letters.includes("c")) Reflect.deleteProperty(all, path);
    else if (/[pd]/.test(letters) && own[name] === undefined) stderr += `xattr: ${path}: No such xattr: ${name}\n`;
    else if (letters.includes("p")) stdout += `${own[name] ?? ""}\n`;
    else if (letters.includes("d")) all[path] = Object.fromEntries(Object.entries(own).filter(([key]) => key !== name));
    else stdout += Object.entries(own).map(([key, text]) => (letters.includes("l") ? `${key}: ${text}\n` : `${key}\n`)).join(""); // prettier-ignore
  }
  if (/[wdc]/.test(letters)) writeState("xattr", all);
  // with -r a missing attribute is no error
  return { code: stderr === "" || letters.includes("r") ? 0 : 1, stdout, stderr: letters.includes("r") ? "" : stderr };
}

/**
 * Stand-in for codesign. Nothing here is signed: every file that exists passes for one of the Node.js Foundation, unless
 * `faults.badSignature` names the status for it. Source of status and texts: man codesign, facts/macos.md 4.
 */
export function codesign(argv: readonly string[]): Output {
  const path = argv.at(-1) ?? "";
  if (argv.length < 2)
    return failed(2, "Usage: codesign -s identity [-fv*] [-o flags] [-r reqs] [-i ident] path ...\n");
  if (!existsSync(path)) return failed(1, `${path}: No such file or directory\n`);
  const status = readFaults().badSignature;
  if (status === 1)
    return failed(1, `${path}: invalid signature (code or signature have been modified)\nIn architecture: arm64\n`);
  if (status === 3) return failed(3, `${path}: valid on disk\n${path}: satisfies its Designated Requirement\ntest-requirement: code failed to satisfy specified code requirement(s)\n`); // prettier-ignore
  if (argv.some((word) => /^(-d|--display|-dv+)/.test(word))) {
    return failed(0, `Executable=${path}\nIdentifier=node\nFormat=Mach-O thin (arm64)\nAuthority=Developer ID Application: Node.js Foundation (HX7739G8FX)\nAuthority=Developer ID Certification Authority\nAuthority=Apple Root CA\nTeamIdentifier=HX7739G8FX\n`); // prettier-ignore
  }
  return printed();
}

/** Stand-in for spctl: it rejects command line tools, also good ones (facts/macos.md 4). */
export function spctl(argv: readonly string[]): Output {
  if (argv.includes("--status")) return printed("assessments enabled\n");
  return failed(3, `${argv.at(-1) ?? ""}: rejected (the code is valid but does not seem to be an app)\n`);
}
