/** Whether the same attempt can succeed later without anybody doing anything. */
export type Outlook = "try again" | "needs a person";

/** Why a manager gave no value. The message names what was asked for, never a value. */
export class ResolveFailure extends Error {
  readonly outlook: Outlook;
  readonly fix: string;

  constructor(outlook: Outlook, message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ResolveFailure";
    this.outlook = outlook;
    this.fix = fix;
  }
}
