/** Where a reference stops making sense, and what was expected there; never what was found. */
export class RefProblem extends Error {
  override readonly name = "RefProblem";
  /** Character of the whole reference, counted from 1. */
  readonly column: number;
  readonly expected: string;

  constructor(column: number, expected: string) {
    super(`character ${column}: expected ${expected}`);
    this.column = column;
    this.expected = expected;
  }
}

/** Reads a reference from left to right. */
export class RefReader {
  readonly #text: string;
  #at: number;

  /** @param at Index of the first character after `scheme://`. */
  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  /** The longest match of `pattern` from here. @throws {RefProblem} when there is none. */
  take(pattern: RegExp, expected: string): string {
    const sticky = new RegExp(pattern.source, "y");
    sticky.lastIndex = this.#at;
    const [match = ""] = sticky.exec(this.#text) ?? [];
    if (match === "") throw this.problem(expected);
    this.#at += match.length;
    return match;
  }

  /** Goes past a literal if it is next. */
  skip(literal: string): boolean {
    const found = this.#text.startsWith(literal, this.#at);
    if (found) this.#at += literal.length;
    return found;
  }

  /** Goes past a literal. @throws {RefProblem} when something else is next. */
  expect(literal: string, before: string): void {
    if (!this.skip(literal)) throw this.problem(`'${literal}' and ${before}`);
  }

  /** Segments between separators; none is `.` or `..`. */
  segments(pattern: RegExp, separator: string, expected: string): string[] {
    const found: string[] = [];
    do {
      const start = this.#at;
      const segment = this.take(pattern, expected);
      if (segment === "." || segment === "..") throw new RefProblem(start + 1, `${expected}, not a way up`);
      found.push(segment);
    } while (this.skip(separator));
    return found;
  }

  /** `?a=1&b=2`: known names, each once, each with a value of its pattern. Reads to the end. */
  options<N extends string>(
    known: Readonly<Record<N, { readonly pattern: RegExp; readonly is: string }>>,
  ): {
    [name in N]?: string;
  } {
    const found: { [name in N]?: string } = {};
    const names = Object.keys(known) as N[];
    let mark = "?";
    while (this.skip(mark)) {
      const left = names.filter((name) => found[name] === undefined);
      const name = left.find((one) => this.skip(`${one}=`));
      if (name === undefined)
        throw this.problem(left.length === 0 ? "the end" : left.map((one) => `${one}=…`).join(" or "));
      found[name] = this.take(known[name].pattern, known[name].is);
      mark = "&";
    }
    this.end(names.length > Object.keys(found).length ? `the end, or '${mark}' and an option` : "the end");
    return found;
  }

  /** @throws {RefProblem} when something is left. */
  end(expected = "the end"): void {
    if (this.#at < this.#text.length) throw this.problem(expected);
  }

  problem(expected: string): RefProblem {
    return new RefProblem(this.#at + 1, expected);
  }
}
