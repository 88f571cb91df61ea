/**
 * English.
 *
 * @module
 */
import type { Texts } from "./texts.ts";

/** English. */
export const ENGLISH: Texts = {
  language: "en",
  name: "English",
  direction: "ltr",
  title: "Your connection",
  greeting: "Hello, {name}",
  secret:
    "This page is yours alone. Anyone who has its address can use your connection.",
  install: "Install an app",
  add: "Add the connection",
  scan:
    "On this device, tap the link of the app. From another device, scan this code with the app.",
  code: "QR code of the link",
  save: "Save the picture",
  share: "Share",
  start: "Switch it on",
  startHow:
    "Choose the connection in the app and switch it on. The system asks once for your permission.",
  link: "Link",
  subscription: "Subscription",
  subscriptionHow:
    "An app that takes this address fetches changes by itself and shows the traffic that is left.",
  otherForms: "Other formats",
  copy: "Copy",
  copied: "Copied",
  open: "Open in {app}",
  account: "Your account",
  left: "{left} left of {quota}",
  unlimited: "{used} used, without a limit",
  usedUp:
    "All of your traffic is used up. Ask for more where you got this page.",
  until: "Valid until {date}",
  endless: "Valid without an end",
  expired: "Your access ended on {date}. Ask for more where you got this page.",
  languages: "Language",
};
