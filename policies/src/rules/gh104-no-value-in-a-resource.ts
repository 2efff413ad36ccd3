import { keysAt, lengthAt, read, type Path } from "../read.ts";
import { COMMAND, OBSERVATION, type Resource } from "../resource.ts";
import { defineRule } from "../rule.ts";
import { assignments, looksRandom, tokenKinds } from "../token-shapes.ts";

/** Deeper than any input of a provider; a text that long is data. */
const DEEPEST = 12;

interface Scan {
  readonly props: unknown;
  readonly skipped: ReadonlySet<string>;
  readonly problems: string[];
}

/** A path without its indices and its keys that could be values themselves. */
function label(path: Path): string {
  return path.map((part) => (typeof part === "number" || /^[A-Za-z][\w-]{0,40}$/.test(part) ? part : "…")).join(".");
}

function scanText({ problems }: Scan, path: Path, text: string): void {
  const where = `${label(path)} (${text.length} characters)`;
  for (const kind of tokenKinds(text)) problems.push(`${where} holds what looks like a ${kind}`);
  if (problems.length > 0) return;
  const name = path.filter((part) => typeof part === "string").at(-1) ?? "";
  const named = [[name, text] as const, ...assignments(text)].filter(([left, right]) => looksRandom(left, right));
  if (named.length > 0) problems.push(`${where} holds a random value under the name of a secret`);
}

function scan(state: Scan, path: Path): void {
  if (state.skipped.has(path.join(".")) || path.length > DEEPEST) return;
  const found = read(state.props, ...path);
  if (found.state !== "known") return;
  if (typeof found.value === "string") scanText(state, path, found.value);
  else if (Array.isArray(found.value))
    for (let index = 0; index < lengthAt(state.props, ...path); index += 1) scan(state, [...path, index]);
  else
    for (const key of keysAt(state.props, ...path)) {
      // a slip of YAML makes a key of a value
      if (tokenKinds(key).length > 0) state.problems.push(`${label(path)} has a key that looks like a token`);
      scan(state, [...path, key]);
    }
}

/** Inputs that the provider encrypts, or that a program has to fill with a value; of every type, or of one. */
function skippedIn(type: string, lines: readonly string[]): ReadonlySet<string> {
  return new Set(
    lines.flatMap((line) => {
      const [of = "", path = ""] = line.split("#");
      return of === "*" || of === type ? [path] : [];
    }),
  );
}

export const gh104 = defineRule({
  id: "GH104",
  title: "No secret value in a resource",
  severity: "mandatory",
  reads: "every text in the inputs of every resource of the stack that is known at preview, except `valueFields`",
  why: "A value in a command's text, in its environment or in a component's inputs is in the process list of the node, in the plan, in the engine's log and in the state, where encryption covers only what was marked secret.",
  source:
    "shapes: public detector lists and vendor pages; the engine shows a policy plain text without a mark (pulumi-policy#163, #241), so a rule can tell by place only",
  fix: "pass a reference (`pulumi://KEY`, `vault://…`) to the fleet; give a command its secret on `stdin`, wrapped in `pulumi.secret`",
  parameters: {
    valueFields: {
      kind: "texts",
      default: [
        `${COMMAND}#stdin`,
        `${COMMAND}#connection.privateKey`,
        `${COMMAND}#connection.password`,
        `${COMMAND}#connection.privateKeyPassword`,
        `${COMMAND}#connection.proxy.privateKey`,
        `${COMMAND}#connection.proxy.password`,
        `${COMMAND}#connection.proxy.privateKeyPassword`,
        `${OBSERVATION}#connection.privateKey`,
        `${OBSERVATION}#connection.proxy.privateKey`,
        "command:remote:CopyToRemote#connection.privateKey",
        "command:remote:CopyToRemote#connection.proxy.privateKey",
        // secret inputs by the provider's schema
        "tls:index/selfSignedCert:SelfSignedCert#privateKeyPem",
        "tls:index/certRequest:CertRequest#privateKeyPem",
        "tls:index/locallySignedCert:LocallySignedCert#caPrivateKeyPem",
      ],
      doc: "Inputs that have to hold a value, as `TYPE#path`, with `*` for every type; they are not looked at",
    },
  },
  check: ({ type, props }: Resource, { parameters }) => {
    const problems: string[] = [];
    const skipped = skippedIn(type, parameters.valueFields);
    for (const key of keysAt(props)) {
      const own: Scan = { props, skipped, problems: [] };
      scan(own, [key]);
      problems.push(...own.problems);
    }
    return problems;
  },
});
