import { join } from "node:path";
import { defaultStateDirectory } from "../operations/state-directory.ts";

/** What the demo builds. */
export const DEMO = {
  stack: "demo",
  node: "demo-node",
  gateway: "demo",
  environment: "staging",
  user: "oc-demo",
  provider: "anthropic",
  model: "anthropic/claude-opus-4-8",
  agents: ["research", "builder"],
  /** The vendor's usual port, where it is free. */
  preferredPort: 18789,
} as const;

/** Everything the demo keeps lies below one directory of ours alone (0700); `demo -- down` removes it. */
export function demoPaths(env: NodeJS.ProcessEnv) {
  const root = join(defaultStateDirectory(env), "demo");
  return {
    root,
    /** Ports and machine, as chosen by the first run. */
    record: join(root, "demo.json"),
    /** `{"AGENT": "key"}`, 0600: what the provider expects and what the stack delivers. */
    keys: join(root, "keys.json"),
    knownHosts: join(root, "known_hosts"),
    authorities: join(root, "authorities.pem"),
    /** Directory of the stand-in's Node, as an archive. */
    archive: join(root, "archive"),
    providerPid: join(root, "provider.pid"),
    providerLog: join(root, "provider.log"),
    /** State directory of the stack: passphrase, settings, state. */
    stack: join(root, "stack"),
    /** State directory of the throw-away node. */
    node: join(root, "node"),
  } as const;
}

export type DemoPaths = ReturnType<typeof demoPaths>;
