"""The transparency log: RFC 6962 trees and the C2SP formats around them, as pure functions."""
