/** An error for the operator: the SDK's server prints `String(error)` and the stack, which would bury the message. */
export class PluginError extends Error {
  override readonly name: string = "PluginError";

  constructor(message: string) {
    super(message);
    this.stack = "";
  }

  override toString(): string {
    return this.message;
  }
}

/** What the official plugin serves and this stand-in does not. */
export class NotServedError extends PluginError {
  override readonly name = "NotServedError";

  constructor(what: string, plugin: string, version: string) {
    super(
      `${what} is not served by Gatehouse's air-gapped stand-in for the ${plugin} plugin; ` +
        `install the official one: pulumi plugin install resource ${plugin} ${version}`,
    );
  }
}
