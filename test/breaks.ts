/** A fault that somebody could make, and the tests that have to notice it. */
export interface Break {
  readonly what: string;
  readonly file: string;
  /** Exactly once in the file. */
  readonly from: string;
  readonly to: string;
  /** Arguments of vitest: the tests that have to fail. */
  readonly tests: readonly string[];
}

export const BREAKS: readonly Break[] = [
  {
    what: "modes: files are written as the umask says",
    file: "node/lib/atomic.ts",
    from: "await handle.chmod(options.mode);",
    to: "await handle.chmod(options.mode | 0o044);",
    tests: ["test/unit/node-atomic.test.ts"],
  },
  {
    what: "auth order: none for any provider",
    file: "render/openclaw-config.ts",
    from: "usedProviders(gateway).map((provider) => [",
    to: "usedProviders(gateway).slice(1).map((provider) => [",
    tests: ["test/unit/render-config.test.ts"],
  },
  {
    what: "unit env: the unit reads no EnvironmentFile",
    file: "render/systemd-unit.ts",
    from: "    `EnvironmentFile=-${layout.envFile}`,\n",
    to: "",
    tests: ["test/unit/render-golden.test.ts"],
  },
  {
    what: "gate: an agent without a usable key passes",
    file: "node/switch/vendor-checks.ts",
    from: "if (USABLE.has(answer.result.status)) return;",
    to: "if (USABLE.size > 0) return;",
    tests: ["test/unit/node-switch.test.ts"],
  },
  {
    what: "switch: a failed generation stays",
    file: "node/switch/switch.ts",
    from: "const { since } = await start(home, previous, context);",
    to: "const since = new Date();",
    tests: ["test/unit/node-switch.test.ts"],
  },
  {
    what: "host key: any server is accepted",
    file: "remote/connection.ts",
    from: "    hostKey: pulumi.output(args.hostKey).apply(pinnedHostKey),\n",
    to: "",
    tests: ["--project", "component"],
  },
  {
    what: "integrity: an archive is unpacked whatever its checksum",
    file: "render/bootstrap.sh",
    from: 'if [ "$found" != "$4" ]; then',
    to: "if false; then",
    tests: ["test/engine/node-bootstrap.test.ts", "-t", "checksum"],
  },
  {
    what: "idempotence: a serving generation is started again",
    file: "node/switch/switch.ts",
    from: "if (await isServing(home, generation, context)) {",
    to: 'if ((await isServing(home, generation, context)) && to === "") {',
    tests: ["test/unit/node-switch.test.ts"],
  },
  {
    what: "removal: the environment file stays",
    file: "node/switch/live-files.ts",
    from: "const paths = [home.environmentFile, home.keys,",
    to: "const paths = [home.keys,",
    tests: ["test/unit/node-switch.test.ts"],
  },
  {
    what: "redaction: lines go out as they are",
    file: "node/lib/redact.ts",
    from: "text.replaceAll(needle, PLACEHOLDER)",
    to: "text",
    tests: ["test/unit/node-payload.test.ts"],
  },
  {
    what: "boundary: an agent with commands on the host shares its gateway",
    file: "spec/permission-rules.ts",
    from: "const alone = gateway.agents.length === 1;",
    to: "const alone = gateway.agents.length > 0;",
    tests: ["test/unit/spec-permissions.test.ts"],
  },
  {
    what: "shared directories: one that is open to the world is taken",
    file: "node/account/shared.ts",
    from: "if ((facts.mode & 0o007) !== 0) {",
    to: "if (facts.mode < 0) {",
    tests: ["test/engine/node-account.test.ts"],
  },
  {
    what: "references: what is wrong is quoted",
    file: "spec/secret-ref.ts",
    from: "is wrong at ${error.message} (",
    to: "${text} is wrong at ${error.message} (",
    tests: ["test/unit/spec-secret-ref.test.ts"],
  },
  {
    what: "managers: a tool's own words are shown",
    file: "managers/command.ts",
    from: 'kind === "unknown" ? `${program} failed (${ending})`',
    to: 'kind !== "tool missing" ? `${program}: ${result.stderr}`',
    tests: ["test/unit/managers.test.ts"],
  },
  {
    what: "access: a key without a command opens a shell",
    file: "node/access/authorized-keys.ts",
    from: '`command=${quoted(command ?? "/usr/sbin/nologin")}`,',
    to: "...(command === null ? [] : [`command=${quoted(command)}`]),",
    tests: ["test/unit/node-access.test.ts"],
  },
  {
    what: "devices: a list that is none counts as empty",
    file: "node/verify/devices.ts",
    from: 'if (!Array.isArray(paired)) throw unusable("the gateway did not list its paired devices");',
    to: "if (!Array.isArray(paired)) return [];",
    tests: ["test/unit/node-devices.test.ts"],
  },
  {
    what: "https: whoever listens gets the token",
    file: "node/lib/gateway-http.ts",
    from: "if (socket.getPeerX509Certificate()?.fingerprint256 === expected) return;",
    to: 'if (expected !== "") return;',
    tests: ["test/unit/node-certificate.test.ts"],
  },
  {
    what: "https: an expired certificate is installed",
    file: "node/generation/certificate.ts",
    from: "if (now > certificate.validToDate) {",
    to: "if (now > certificate.validToDate && now < certificate.validFromDate) {",
    tests: ["test/unit/node-certificate.test.ts"],
  },
  {
    what: "metrics: an entry that was counted counts again under another number",
    file: "node/platform/linux/journal-position.ts",
    from: "  return !position.tied.includes(entry.hash);",
    to: "  return entry.hash !== last.cursor;",
    tests: ["test/unit/metrics-journal.test.ts"],
  },
  {
    what: "metrics: refused sessions count as refused keys",
    file: "node/metrics/count.ts",
    from: "return { ...state, gatewayFailures: plus(state.gatewayFailures, [event.reason], event.count) };",
    to: 'return { ...state, providerFailures: plus(state.providerFailures, ["", "", event.reason], event.count) };',
    tests: ["test/unit/metrics-count.test.ts"],
  },
  {
    what: "diagnosis: a missing value counts as healthy",
    file: "operations/diagnose/verdict.ts",
    from: 'if (missing.length === 0 && symptomClass === "none") {',
    to: 'if (symptomClass === "none") {',
    tests: ["test/unit/diagnose-verdict.test.ts"],
  },
  {
    what: "diagnosis: the token is sent to an address that is not proven to be the gateway's",
    file: "operations/diagnose/route/look.ts",
    from: 'if (proof !== "arrived") return',
    to: 'if (proof === "elsewhere") return',
    tests: ["test/unit/diagnose-route.test.ts"],
  },
  {
    what: "diagnosis: a log that shows nothing counts as proof of another gateway",
    file: "operations/diagnose/route/look.ts",
    from: "mark === marks.tunnel) ?",
    to: "mark === marks.tunnel) || arrivals.length === 0 ?",
    tests: ["test/unit/diagnose-route.test.ts"],
  },
  {
    what: "diagnosis: another agent's key in a variable is not noticed",
    file: "node/diagnose/variables.ts",
    from: "name !== variable && value === found",
    to: "name === variable && value === found",
    tests: ["test/unit/diagnose-sources.test.ts"],
  },
  {
    what: "diagnosis: a key that was used too often is taken for a refused one",
    file: "operations/diagnose/rules/provider.ts",
    from: "if (unusable.some(({ reason }) => ABOUT_THE_KEY.test(reason))) {",
    to: "if (unusable.length > 0) {",
    tests: ["test/unit/diagnose-verdict-node.test.ts"],
  },
  {
    what: "diagnosis: refusals of an earlier process count against this one",
    file: "node/diagnose/log.ts",
    from: "refusals: refusalsOf(sinceStart, profiles),",
    to: "refusals: refusalsOf(lines, profiles),",
    tests: ["test/unit/diagnose-sources.test.ts"],
  },
  {
    what: "macOS: what launchd runs is not compared with its file",
    file: "node/platform/darwin/launchctl.ts",
    from: "if (differences.length === 0) return;",
    to: "if (differences.length >= 0) return;",
    tests: ["test/unit/darwin-launchctl.test.ts"],
  },
  {
    what: "sleep: the machine may sleep when its last account is made anew",
    file: "node/lib/awake.ts",
    from: "if ((await readJsonOrNull(paths.awake, shape)) !== null) return;",
    to: "",
    tests: ["test/unit/node-awake.test.ts"],
  },
];
