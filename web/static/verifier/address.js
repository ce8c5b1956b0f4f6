// An address as a person types it, as the host name (with the port) that is asked.
"use strict";

const SPACES = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

function readAddress(typed) {
  let address = typed.replace(new RegExp(`^[${SPACES}]+|[${SPACES}]+$`, "g"), "").toLowerCase();
  for (const scheme of ["http://", "https://"]) {
    address = withoutPrefix(address, scheme);
  }
  [address] = address.split("/");
  if (!/^[a-z0-9][a-z0-9.-]{0,252}(?::[0-9]{1,5})?$/.test(address) || address.includes("..")) {
    refuse("not an address");
  }
  return address;
}
