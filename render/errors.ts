/** Desired state that cannot be written down. The message names the field, never a value. */
export class RenderError extends Error {
  override readonly name = "RenderError";

  /** What to do about it. */
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}
