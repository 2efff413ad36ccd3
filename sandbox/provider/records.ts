/** One request as remembered: never the key, and no text of the client but a checked model name. */
export interface ProviderRecord {
  /** ISO 8601, UTC. */
  readonly time: string;
  /** A path this server knows, or "other". */
  readonly path: string;
  /** As asked for; "invalid" when it does not look like a model's name. */
  readonly model: string | undefined;
  /** Label of the expected key that came, "unknown" for another one, "none" without. */
  readonly key: string;
  readonly status: number;
  readonly stream: boolean;
}

const MODEL = /^[a-z0-9][a-z0-9._:/-]{0,79}$/i;
const LOOKS_LIKE_A_KEY = /^sk-/i;
/** The oldest go first: a forgotten server must not grow for ever. */
const LIMIT = 10_000;

export class RecordBook {
  readonly #records: ProviderRecord[] = [];

  add(record: ProviderRecord): void {
    this.#records.push({ ...record, model: safeModel(record.model) });
    if (this.#records.length > LIMIT) this.#records.shift();
  }

  all(): readonly ProviderRecord[] {
    return [...this.#records];
  }
}

function safeModel(model: string | undefined): string | undefined {
  if (model === undefined) return undefined;
  return MODEL.test(model) && !LOOKS_LIKE_A_KEY.test(model) ? model : "invalid";
}
