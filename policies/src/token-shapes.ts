interface Shape {
  readonly kind: string;
  readonly pattern: RegExp;
}

/** Neither in front of a token nor behind it. */
const L = "(?<![A-Za-z0-9_-])";
const R = "(?![A-Za-z0-9_-])";

function shape(kind: string, body: string): Shape {
  return { kind, pattern: new RegExp(`${L}(?:${body})${R}`, "g") };
}

/**
 * What tokens look like, from public detector lists and vendor pages. Only forms with a prefix, or a fixed structure, of
 * their own: nothing that a digest, an integrity, a reference or a UUID could be.
 */
const SHAPES: readonly Shape[] = [
  shape("Anthropic key", "sk-ant-(?:api|admin|oat|ort|sid)\\d{2}-[A-Za-z0-9_-]{20,200}"),
  shape("OpenRouter key", "sk-or-v1-[0-9a-f]{64}"),
  shape("OpenAI key", "sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,220}"),
  shape("OpenAI key", "sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
  shape("xAI key", "xai-[A-Za-z0-9]{80}"),
  shape("Groq key", "gsk_[A-Za-z0-9]{52}"),
  shape("Google key", "AIza[A-Za-z0-9_-]{35}"),
  shape("Google OAuth token", "ya29\\.[A-Za-z0-9_-]{20,300}"),
  shape("Google client secret", "GOCSPX-[A-Za-z0-9_-]{28}"),
  shape("AWS access key id", "(?:AKIA|ASIA)[A-Z2-7]{16}"),
  shape("GitHub token", "gh[pousr]_[A-Za-z0-9]{36,255}"),
  shape("GitHub token", "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
  shape("Slack token", "xox[abeoprs]-[A-Za-z0-9-]{10,250}"),
  shape("Slack token", "xapp-\\d-A[A-Z0-9]{8,15}-\\d{10,15}-[0-9a-f]{32,80}"),
  shape("Telegram bot token", "\\d{8,10}:AA[A-Za-z0-9_-]{33}"),
  shape("Discord bot token", "[MNO][A-Za-z0-9_-]{23,27}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,38}"),
  shape("JWT", "eyJ[A-Za-z0-9_-]{7,4000}\\.eyJ[A-Za-z0-9_-]{7,4000}\\.[A-Za-z0-9_-]{20,4000}"),
  shape("age key", "AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{58,4000}"),
  shape("1Password service account token", "ops_eyJ[A-Za-z0-9+/=_-]{100,4000}"),
  shape(
    "1Password secret key",
    "A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
  ),
  shape("Vault token", "hv[sbr]\\.[A-Za-z0-9_-]{24,300}"),
  shape("Tailscale key", "tskey-(?:auth|api|client|scim|webhook)-[A-Za-z0-9]{8,40}(?:-[A-Za-z0-9]{16,60})?"),
  shape("Hugging Face token", "hf_[A-Za-z]{34}"),
  shape("npm token", "npm_[A-Za-z0-9]{36}"),
  shape("Pulumi token", "pul-[0-9a-f]{40}"),
  shape("Azure client secret", "[A-Za-z0-9_-]{3}\\dQ~[A-Za-z0-9_.~-]{31,34}"),
  { kind: "private key", pattern: /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g },
];

/** Shorter than the shortest token. */
const SHORTEST = 20;

/** Kinds of token in `text`, each once. */
export function tokenKinds(text: string): readonly string[] {
  if (text.length < SHORTEST) return [];
  return [...new Set(SHAPES.flatMap(({ kind, pattern }) => (text.search(pattern) < 0 ? [] : [kind])))];
}

/** `text` with every token in it replaced by its kind. */
export function hideTokens(text: string): string {
  if (text.length < SHORTEST) return text;
  return SHAPES.reduce((left, { kind, pattern }) => left.replace(pattern, `[${kind}]`), text);
}

/** Bits per character of a text, by how often each of its characters comes. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}

const SECRET_NAMES = [
  /(?:^|[^A-Za-z])(?:api_?key|key|secret|token|password|passwd|passphrase|credential)s?$/i,
  /[a-z](?:Key|Secret|Token|Password|Passphrase|Credential)s?$/,
];

/**
 * Whether `value`, found under `name`, reads like a value that should be a reference: no shape of a known token, but a
 * name that says what it is and characters as random as 128 bits need.
 */
export function looksRandom(name: string, value: string): boolean {
  const secret = SECRET_NAMES.some((pattern) => pattern.test(name));
  return secret && /^[A-Za-z0-9+/=_.~-]{24,512}$/.test(value) && entropy(value) >= 3.7;
}

/** `NAME=value` pairs of a command line or a unit. */
export function assignments(text: string): readonly (readonly [name: string, value: string])[] {
  return [...text.matchAll(/([A-Za-z_][A-Za-z0-9_]{1,80})=["']?([A-Za-z0-9+/=_.~-]{24,512})/g)].map(
    ([, name = "", value = ""]) => [name, value] as const,
  );
}
