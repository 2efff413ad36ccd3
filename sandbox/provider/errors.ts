/** The stand-in provider can't be started. `fix` says what the operator can do. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly fix: string;

  constructor(message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.fix = fix;
  }
}
