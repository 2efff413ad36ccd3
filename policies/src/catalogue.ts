import type { Rule } from "./rule.ts";
import { gh101 } from "./rules/gh101-one-agent-per-credential.ts";
import { gh102 } from "./rules/gh102-one-environment-per-credential.ts";
import { gh103 } from "./rules/gh103-runners-own-identity.ts";
import { gh104 } from "./rules/gh104-no-value-in-a-resource.ts";
import { gh105 } from "./rules/gh105-gateway-token-of-its-own.ts";
import { gh106 } from "./rules/gh106-one-layer-at-a-time.ts";
import { gh107 } from "./rules/gh107-rotation-window.ts";
import { gh108 } from "./rules/gh108-change-record.ts";
import { gh109 } from "./rules/gh109-rollback-points.ts";
import { gh110 } from "./rules/gh110-blast-radius.ts";
import { gh201 } from "./rules/gh201-private-paths.ts";
import { gh202 } from "./rules/gh202-gateway-user.ts";
import { gh203 } from "./rules/gh203-host-exec-alone.ts";
import { gh204 } from "./rules/gh204-explicit-auth-order.ts";
import { gh205 } from "./rules/gh205-keys-in-the-unit.ts";
import { gh206 } from "./rules/gh206-unit-hardening.ts";
import { gh301 } from "./rules/gh301-node-line.ts";
import { gh302 } from "./rules/gh302-openclaw-floor.ts";
import { gh303 } from "./rules/gh303-pinned-by-integrity.ts";
import { gh304 } from "./rules/gh304-one-runtime-on-path.ts";
import { gh305 } from "./rules/gh305-no-self-update.ts";
import { gh401 } from "./rules/gh401-loopback-and-token.ts";
import { gh402 } from "./rules/gh402-remote-access-encrypted.ts";
import { gh403 } from "./rules/gh403-no-funnel.ts";
import { gh404 } from "./rules/gh404-proxies-declared.ts";
import { gh405 } from "./rules/gh405-control-ui.ts";
import { gh501 } from "./rules/gh501-host-key-pinned.ts";
import { gh502 } from "./rules/gh502-secret-command-outputs.ts";
import { gh503 } from "./rules/gh503-no-command-environment.ts";
import { gh504 } from "./rules/gh504-provisioning-key-apart.ts";
import { gh601 } from "./rules/gh601-starts-by-itself.ts";
import { gh602 } from "./rules/gh602-audit-trail.ts";
import { gh603 } from "./rules/gh603-comes-back-unattended.ts";
import { gh701 } from "./rules/gh701-tools-within-the-preset.ts";

/** Every rule, by id. */
export const CATALOGUE: readonly Rule[] = [
  gh101,
  gh102,
  gh103,
  gh104,
  gh105,
  gh106,
  gh107,
  gh108,
  gh109,
  gh110,
  gh201,
  gh202,
  gh203,
  gh204,
  gh205,
  gh206,
  gh301,
  gh302,
  gh303,
  gh304,
  gh305,
  gh401,
  gh402,
  gh403,
  gh404,
  gh405,
  gh501,
  gh502,
  gh503,
  gh504,
  gh601,
  gh602,
  gh603,
  gh701,
];
