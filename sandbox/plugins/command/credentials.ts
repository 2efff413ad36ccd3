import { createPrivateKey } from "node:crypto";
import { connect } from "node:net";
import ssh2, { type AuthenticationType, type ParsedKey } from "ssh2";
import { opensshPrivatePem } from "../shared/openssh-key.ts";
import { PluginError } from "../shared/plugin-error.ts";
import type { Endpoint } from "./inputs.ts";

/** Login attempt as ssh2 takes it; the union in its types lists these fields. */
export interface LoginMethod {
  readonly type: AuthenticationType;
  readonly username: string;
  readonly password?: string;
  readonly key?: ParsedKey;
  readonly agent?: string;
  readonly prompt?: (
    name: string,
    instructions: string,
    language: string,
    prompts: readonly unknown[],
    finish: (answers: string[]) => void,
  ) => void;
}

/**
 * Ways to log in, in the official order: none, private key, password, keyboard-interactive, agent. An agent socket that
 * nobody listens on fails the operation even if a private key is given, as it does there.
 */
export async function loginMethods(endpoint: Endpoint): Promise<LoginMethod[]> {
  const username = endpoint.user;
  const methods: LoginMethod[] = [{ type: "none", username }];
  if (endpoint.privateKey !== undefined) {
    methods.push({
      type: "publickey",
      username,
      key: parsePrivateKey(endpoint.privateKey, endpoint.privateKeyPassword),
    });
  }
  const { password } = endpoint;
  if (password !== undefined) {
    methods.push({ type: "password", username, password });
    methods.push({
      type: "keyboard-interactive",
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => {
        finish(prompts.map(() => password));
      },
    });
  }
  const agent = endpoint.agentSocketPath ?? process.env["SSH_AUTH_SOCK"];
  if (agent !== undefined && agent !== "") {
    await assertAgent(agent);
    methods.push({ type: "agent", username, agent });
  }
  return methods;
}

function parsePrivateKey(pem: string, passphrase: string | undefined): ParsedKey {
  const parsed = ssh2.utils.parseKey(asOpenssh(pem, passphrase), passphrase);
  const key: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key instanceof Error) throw new PluginError(`ssh: the private key can't be used: ${key.message}`);
  if (!(key as ParsedKey).isPrivateKey()) {
    throw new PluginError("ssh: no key found: privateKey holds a public key");
  }
  return key as ParsedKey;
}

/** ssh2 does not read PKCS#8, the only PEM form that Ed25519 has. */
function asOpenssh(pem: string, passphrase: string | undefined): string {
  if (!/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/m.test(pem)) return pem;
  try {
    const key = createPrivateKey({ key: pem, format: "pem", ...(passphrase === undefined ? {} : { passphrase }) });
    return opensshPrivatePem(key) ?? pem;
  } catch {
    // the cause may quote the input
    throw new PluginError("ssh: the private key can't be used: it is damaged, or its passphrase is missing or wrong");
  }
}

function assertAgent(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      reject(new PluginError(`dial unix ${path}: connect: ${error.code ?? error.message}`));
    });
  });
}
