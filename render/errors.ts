/** Desired state that cannot be written down. The message names the field, never a value. */
export class RenderError extends Error {
  override readonly name = "RenderError";

  constructor(
    message: string,
    /** What to do about it. */
    readonly fix: string,
  ) {
    super(message);
  }
}
