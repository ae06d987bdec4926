"""The telephone network, played: signed webhooks, TwiML followed verb by verb, failures as Twilio meets them."""
