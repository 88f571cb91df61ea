/**
 * Where users find their invitations, and what of its settings is refused.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkInvite,
  type InviteSettings,
  inviteUrlOf,
} from "../../../src/cli/config/invite_url.ts";

const guess = (): string => "203.0.113.9";
const any = { host: "::", port: 8443 };

for (
  const [what, settings, url] of [
    ["nothing is served", {}, undefined],
    [
      "it is said",
      { invite: any, inviteUrl: "https://a.example/x" },
      "https://a.example/x",
    ],
    [
      "there is a public host",
      { invite: any, publicHost: "vpn.example" },
      "http://vpn.example:8443",
    ],
    ["there is a certificate", {
      invite: any,
      publicHost: "2001:db8::1",
      inviteCert: "c",
    }, "https://[2001:db8::1]:8443"],
    ["the port is everywhere", { invite: any }, "http://203.0.113.9:8443"],
    [
      "the port has an address",
      { invite: { host: "192.0.2.1", port: 1 } },
      "http://192.0.2.1:1",
    ],
    ["only this machine reaches it", {
      invite: { host: "127.0.0.1", port: 1 },
      publicHost: "vpn.example",
    }, "http://127.0.0.1:1"],
    ["the operator's port has them", {
      admin: any,
      adminCert: "c",
      publicHost: "vpn.example",
    }, "https://vpn.example:8443"],
    [
      "the operator's port is a unix socket",
      { admin: { path: "/run/x" } },
      undefined,
    ],
  ] as readonly (readonly [string, InviteSettings, string | undefined])[]
) {
  test(`invitations are at ${url}, where ${what}`, () => {
    assert.equal(inviteUrlOf(settings, guess), url);
  });
}

for (
  const [settings, message] of [
    [{ invite: any, inviteCert: "c" }, /--invite-cert and --invite-key go/],
    [{ admin: any, adminKey: "k" }, /--admin-cert and --admin-key go/],
    [{ inviteCert: "c", inviteKey: "k" }, /--invite-cert needs --invite HOST/],
    [
      { admin: { path: "/run/x" }, adminCert: "c", adminKey: "k" },
      /--admin-cert needs --admin HOST/,
    ],
    [{ invite: { path: "/run/x" } }, /give --invite-url/],
  ] as readonly (readonly [InviteSettings, RegExp])[]
) {
  test(`refused with ${message.source}`, () => {
    assert.throws(() => checkInvite(settings), {
      code: "ERR_CONFIG_VALUE",
      message,
    });
  });
}

test("a whole pair is not refused", () => {
  checkInvite({ invite: any, inviteCert: "c", inviteKey: "k" });
  checkInvite({ invite: { path: "/run/x" }, inviteUrl: "https://a.example" });
});
