# SPDX-License-Identifier: GPL-2.0-only
"""
What there is behind the uplink of the phones' router, and what becomes of it: a provider of
one machine and others that are not, and an uplink that does not keep its address.
"""
import time

import network
import servers
from calls import Cannot

WAYS = ("udp", "tcp", "udp6", "tcp6")
TRANSLATED = ("udp64", "tcp64")
# for how long phones register where something moves, and when all have done so again
REGISTERED = 10
AGAIN = 12


class Provider:
    """One proxy, which is the registrar as well; its media relay is another host."""
    ways = WAYS + TRANSLATED
    # of programs beside the machine's own
    suite = None
    registered = 600
    host = network.SERVER

    def __init__(self, mode):
        self.mode = mode
        servers.relay(self.suite)
        self.serve()
        servers.stun()

    def serve(self):
        servers.kamailio("MEDIA_RELAY", suite=self.suite)

    def server(self, way, user):
        """Where this phone registers and what it calls by."""
        return network.seen_by(way, user, self.host)

    def before_row(self, phones):
        """What happens while the phones are registered and silent."""

    def in_call(self, *inside):
        """What happens while a call is up, of which these phones are behind the router."""


class Newer(Provider):
    ways = ("udp", "tcp")
    suite = "trixie"


class Pool(Provider):
    """One member registers, one calls, one speaks within the dialog. Not by TCP: linphone
    listens only to whom it is connected to."""
    ways = ("udp",)
    registered = REGISTERED
    host = network.HOSTS["sbc1"]

    def before_row(self, phones):
        # Sipp answers a BYE where the call came from: who has sent it asks for 32 s more, and the
        # next sipp would take that for its call.
        phones.register_again(40)

    def serve(self):
        servers.pool()
        if self.mode == "sipalg":
            # That they belong together must be told to who believes a phone's registrar alone.
            network.shell(f"{network.TOOL} -n router setting set signalling-peers " + ",".join(
                address for name in ("sbc2", "sbc3") for address in network.HOSTS[name]))


class Moving(Provider):
    """Before each row the registrar moves: a name leads to another host, and who asks the
    former one is sent there (302)."""
    ways = ("udp",)
    registered = REGISTERED
    name = "sip.provider.example"

    def serve(self):
        self.here, self.there = "sbc1", "sbc2"
        for name, other in ((self.here, self.there), (self.there, self.here)):
            servers.kamailio("MEDIA_RELAY", "SUCCESSOR", namespace=name, at=network.HOSTS[name],
                             successor=network.HOSTS[other][0])
        self.names = servers.Names(self.name, network.HOSTS[self.here][0])
        servers.gone(self.there)

    def server(self, way, user):
        return self.name

    def before_row(self, phones):
        for phone in phones.all:
            if not phone.moves:
                raise Cannot(f"the program of {phone.user} ends when its registrar has gone")
        self.here, self.there = self.there, self.here
        servers.back(self.here)
        servers.gone(self.there)
        self.names.tell(network.HOSTS[self.here][0])
        phones.register_again(AGAIN, network.HOSTS[self.there][0])


class Redialled(Provider):
    """Before each row the uplink gets another address."""
    ways = ("udp",)
    registered = REGISTERED

    def before_row(self, phones):
        network.new_lease(self.mode)
        phones.register_again(AGAIN)


class RedialledInCall(Provider):
    """In each call the uplink gets another address; what a phone behind it can do is to
    tell the new one by the next offer."""
    ways = ("udp",)
    registered = REGISTERED

    def before_row(self, phones):
        # nobody finds them by the address of the row before
        phones.register_again(AGAIN)

    def in_call(self, *inside):
        network.new_lease(self.mode)
        # a third is called later
        time.sleep(AGAIN)
        told = [phone for phone in inside if phone.told and not (phone.asks_again and len(inside) == 1)]
        if told and self.mode != "routed":
            raise Cannot(f"{told[0].user} keeps to the address that a STUN server has told it before")
        if len(inside) > 1:
            # Each is known to the other by the former address, which is nobody's now: no
            # offer arrives. Their media is between the two, and does not need one.
            return
        for phone in inside:
            if phone.renews():
                phone.renew()
            elif self.mode != "routed":
                raise Cannot(f"{phone.user} offers nothing anew")


PLACES = {
    "provider": Provider,
    "provider, programs of Debian 13": Newer,
    "provider, a pool": Pool,
    "provider, a registrar that moves": Moving,
    "uplink, another address while registered": Redialled,
    "uplink, another address during the call": RedialledInCall,
}
