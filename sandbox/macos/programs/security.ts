import { readFileSync } from "node:fs";
import { readFaults } from "../faults.ts";
import { failed, isRoot, printed, type Output } from "./output.ts";
import { readState, writeState } from "./state.ts";

interface Item {
  readonly service: string;
  readonly account: string;
  readonly value: string;
  readonly keychain: string;
}

const SYSTEM = "/Library/Keychains/System.keychain";
/** OSStatus -> text; the exit status is its low byte. Source: Apple's Security-61901 (facts/macos.md 5). */
const STATUS = {
  notFound: [-25300, "The specified item could not be found in the keychain."],
  locked: [-25308, "User interaction is not allowed."],
  noDefault: [-25307, "A default keychain could not be found."],
  duplicate: [-25299, "The specified item already exists in the keychain."],
  permission: [-61, "Write permissions error."],
} as const;

function osStatus(call: string, status: keyof typeof STATUS): Output {
  const [number, text] = STATUS[status];
  return failed(number & 255, `security: ${call}: ${text}\n`);
}

function printable(bytes: Buffer): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
}

/** Values with other than printing characters come as hex without a mark (Security's `print_buffer_pem`, facts/macos.md 5). */
function password(bytes: Buffer): string {
  return printable(bytes) ? bytes.toString("latin1") : bytes.toString("hex");
}

/** The line of `-g`, which says which of the two it is; a backslash has the longer form as well. Others' runs on macOS 26. */
function passwordLine(bytes: Buffer): string {
  if (printable(bytes) && !bytes.includes("\\")) return `password: "${bytes.toString("latin1")}"\n`;
  const escaped = [...bytes].map((byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`,
  );
  return `password: 0x${bytes.toString("hex").toUpperCase()}  "${escaped.join("")}"\n`;
}

interface Call {
  readonly options: ReadonlyMap<string, string>;
  readonly flags: ReadonlySet<string>;
  readonly keychain: string | undefined;
}

function parse(words: readonly string[]): Call {
  const options = new Map<string, string>();
  const flags = new Set<string>();
  let keychain: string | undefined;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    // -w asks on find and carries the value on add
    if (["-a", "-s", "-l", "-D", "-c", "-T", "-X"].includes(word)) options.set(word, words[(index += 1)] ?? "");
    else if (
      word === "-w" &&
      words[index + 1]?.startsWith("-") === false &&
      words[index + 1]?.endsWith(".keychain") === false
    )
      options.set(word, words[(index += 1)] ?? ""); // prettier-ignore
    else if (word.startsWith("-")) flags.add(word);
    else keychain = word;
  }
  return { options, flags, keychain };
}

function defaultKeychain(): string | undefined {
  return isRoot() ? SYSTEM : readFaults().keychainUnlocked === undefined ? undefined : `${process.env["HOME"] ?? ""}/Library/Keychains/login.keychain-db`; // prettier-ignore
}

function find(call: Call): Output {
  const [service, account] = [call.options.get("-s"), call.options.get("-a")];
  const item = readState<Item[]>("keychain", []).find(
    (one) =>
      (service === undefined || one.service === service) &&
      (account === undefined || one.account === account) &&
      (call.keychain === undefined || one.keychain === call.keychain),
  );
  if (item === undefined) return osStatus("SecKeychainSearchCopyNext", "notFound");
  if (
    item.keychain !== SYSTEM &&
    readFaults().keychainUnlocked !== true &&
    (call.flags.has("-w") || call.flags.has("-g"))
  ) {
    return osStatus("SecKeychainItemCopyContent", "locked");
  }
  const bytes = Buffer.from(item.value, "base64");
  if (call.flags.has("-w")) return printed(`${password(bytes)}\n`);
  const shown = `keychain: "${item.keychain}"\nversion: 512\nclass: "genp"\nattributes:\n    "acct"<blob>="${item.account}"\n    "svce"<blob>="${item.service}"\n`;
  return call.flags.has("-g") ? { code: 0, stdout: shown, stderr: passwordLine(bytes) } : printed(shown);
}

function add(call: Call): Output {
  const keychain = call.keychain ?? defaultKeychain();
  if (keychain === undefined) return osStatus("SecKeychainItemCreateFromContent (<default>)", "noDefault");
  if (keychain === SYSTEM && !isRoot()) return osStatus("SecKeychainItemCreateFromContent (<default>)", "permission");
  const items = readState<Item[]>("keychain", []);
  const [service = "", account = ""] = [call.options.get("-s"), call.options.get("-a")];
  const others = items.filter((one) => one.service !== service || one.account !== account || one.keychain !== keychain);
  if (others.length < items.length && !call.flags.has("-U")) {
    return osStatus("SecKeychainItemCreateFromContent (<default>)", "duplicate");
  }
  const value = Buffer.from(call.options.get("-w") ?? "").toString("base64");
  writeState("keychain", [...others, { service, account, value, keychain }]);
  return printed();
}

function remove(call: Call): Output {
  const items = readState<Item[]>("keychain", []);
  const left = items.filter((one) => one.service !== call.options.get("-s") || (call.options.get("-a") ?? one.account) !== one.account); // prettier-ignore
  if (left.length === items.length) return osStatus("SecKeychainSearchCopyNext", "notFound");
  writeState("keychain", left);
  return printed("password has been deleted.\n");
}

/** Stand-in for security: generic passwords, the default keychain, certificates of the roots. Source: man security. */
export function security(argv: readonly string[]): Output {
  const [verb = "", ...words] = argv;
  const call = parse(words);
  const keychain = defaultKeychain();
  switch (verb) {
    case "find-generic-password":
      return find(call);
    case "add-generic-password":
      return add(call);
    case "delete-generic-password":
      return remove(call);
    case "default-keychain":
      return keychain === undefined ? osStatus("SecKeychainCopyDefault", "noDefault") : printed(`    "${keychain}"\n`);
    case "list-keychains":
      return printed(`    "${SYSTEM}"\n`);
    case "show-keychain-info":
      if (call.keychain !== SYSTEM && readFaults().keychainUnlocked !== true) return osStatus(`SecKeychainCopySettings ${call.keychain ?? ""}`, "locked"); // prettier-ignore
      return failed(0, `Keychain "${call.keychain ?? SYSTEM}" no-timeout\n`);
    case "find-certificate":
      return printed(readFileSync("/private/etc/ssl/cert.pem"));
    default:
      return failed(1, `security: unknown command "${verb}"\n`);
  }
}
