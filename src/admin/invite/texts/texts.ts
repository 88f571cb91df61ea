/**
 * The texts of an invitation in one language.
 *
 * @module
 */

/**
 * The texts in one language. `{…}` in a text is replaced by the value of that
 * name.
 */
export interface Texts {
  /** BCP 47 tag of the language. */
  readonly language: string;
  /** The name of the language in the language itself. */
  readonly name: string;
  readonly direction: "ltr" | "rtl";
  /** Title of the page. */
  readonly title: string;
  /** The text at the top; `{name}`: the user. */
  readonly greeting: string;
  /** The warning that the page is secret. */
  readonly secret: string;
  readonly install: string;
  readonly add: string;
  /** The use of the QR code. */
  readonly scan: string;
  /** The description of the QR code for people who do not see it. */
  readonly code: string;
  /** The button that saves the QR code as a picture. */
  readonly save: string;
  readonly share: string;
  readonly start: string;
  /** The steps in the app. */
  readonly startHow: string;
  readonly link: string;
  readonly subscription: string;
  /** The use of a subscription. */
  readonly subscriptionHow: string;
  readonly otherForms: string;
  readonly copy: string;
  readonly copied: string;
  /** The button that opens an app; `{app}`: its name. */
  readonly open: string;
  /** Heading of the remaining quota and time. */
  readonly account: string;
  /** The rest of the quota; `{left}` and `{quota}`: amounts. */
  readonly left: string;
  /** The usage without a quota; `{used}`: an amount. */
  readonly unlimited: string;
  readonly usedUp: string;
  /** The expiry date; `{date}`: a day. */
  readonly until: string;
  readonly endless: string;
  /** The text after the expiry; `{date}`: a day. */
  readonly expired: string;
  /** Heading of the languages. */
  readonly languages: string;
}
