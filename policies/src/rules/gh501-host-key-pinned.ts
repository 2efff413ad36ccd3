import { absent, read } from "../read.ts";
import type { Resource } from "../resource.ts";
import { defineRule } from "../rule.ts";

const NODE = "gatehouse:index:GatewayNode";
const PINNABLE = /^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521))$/;
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;

function check({ type, parentType, props }: Resource): string[] {
  if (type === NODE)
    return [...declared(props, "connection"), ...(has(props, "jump") ? declared(props, "connection", "jump") : [])];
  if (!type.startsWith("command:remote:")) return [];
  const connection = read(props, "connection");
  if (connection.state !== "known") {
    // a phase of ours: its node's own declaration above has been checked, and `remote/` builds the connection from it
    return connection.state === "unknown" && parentType.startsWith("gatehouse:index:")
      ? []
      : [`connection.hostKey is ${absent(connection)}`];
  }
  const proxy = read(connection.value, "proxy");
  return [
    ...pinned(connection.value, "connection.hostKey"),
    ...(proxy.state === "known" ? pinned(proxy.value, "connection.proxy.hostKey") : []),
    ...(proxy.state === "unknown" ? ["connection.proxy.hostKey is unknown at preview"] : []),
  ];
}

function has(props: unknown, field: string): boolean {
  return read(props, "connection", field).state !== "missing";
}

/** The public view of a node: key type and fingerprint, not the key. */
function declared(props: unknown, ...path: string[]): string[] {
  const type = read(props, ...path, "hostKeyType");
  const fingerprint = read(props, ...path, "hostKeyFingerprint");
  const field = path.join(".");
  const problems: string[] = [];
  if (type.state !== "known") problems.push(`${field}.hostKeyType is ${absent(type)}`);
  else if (typeof type.value !== "string" || !PINNABLE.test(type.value))
    problems.push(`${field}.hostKeyType is neither ed25519 nor ecdsa`);
  if (fingerprint.state !== "known") problems.push(`${field}.hostKeyFingerprint is ${absent(fingerprint)}`);
  else if (typeof fingerprint.value !== "string" || !FINGERPRINT.test(fingerprint.value)) {
    problems.push(`${field}.hostKeyFingerprint is not a SHA256 fingerprint`);
  }
  return problems;
}

function pinned(endpoint: unknown, field: string): string[] {
  const key = read(endpoint, "hostKey");
  if (key.state !== "known") return [`${field} is ${absent(key)}`];
  const type = typeof key.value === "string" ? (key.value.split(" ")[0] ?? "") : "";
  return PINNABLE.test(type) ? [] : [`${field} is neither an ed25519 nor an ecdsa public key`];
}

export const gh501 = defineRule({
  id: "GH501",
  title: "SSH host key pinned",
  severity: "mandatory",
  reads:
    "`connection.hostKey` and `connection.proxy.hostKey` of every `command:remote:*` resource; the connection of every `GatewayNode`",
  why: "Without a pinned key the command provider accepts any server, and the first thing it sends is the desired state with the secrets in it. An RSA pin does not work either: the provider then offers only SHA-1 `ssh-rsa`.",
  source: "pulumi-command 1.2.1, provider/pkg/provider/remote/connection.go",
  fix: "set `hostKey` to the line that `ssh-keyscan -t ed25519 HOST` prints, without the host name, after comparing it with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the machine's console",
  parameters: {},
  check,
});
