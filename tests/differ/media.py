# SPDX-License-Identifier: GPL-2.0-only
"""The audio of a call's party: a pair of sockets a stream, that sends where SDP says and nowhere else."""
from message import MIRROR, Sdp, Stream
from node import udp

SENDS, HEARS = ("sendrecv", "sendonly"), ("sendrecv", "recvonly")
NOBODY = ("0.0.0.0", "::")


class Media:
    """RTP and RTCP of one stream."""

    def __init__(self, party, kind, port):
        self.party, self.kind, self.port = party, kind, port
        self.sockets = [udp(party.place, party.media_address, port + i) for i in (0, 1)]
        party.world.heard_at |= {(party.place, party.media_address, port + i) for i in (0, 1)}
        self.got = [{}, {}]     # of RTP and of RTCP: what was heard, and from where
        for which, sock in enumerate(self.sockets):
            party.world.loop.add(sock, lambda which=which: self.readable(which))

    def readable(self, which):
        try:
            while True:
                data, source = self.sockets[which].recvfrom(2048)
                self.got[which][data.decode("latin-1")] = source[:2]
        except OSError:
            pass

    def send(self, which, text, address, port):
        try:
            self.sockets[which].sendto(text.encode(), (address, port))
        except OSError as error:
            self.party.world.note(f"{self.party.name} cannot send to {address}:{port}: {error}")

    def close(self):
        for sock in self.sockets:
            self.party.world.loop.remove(sock)
            sock.close()


class Session:
    """What one party of a call has said of its media, and what it has been told."""

    def __init__(self, party):
        self.party, self.media, self.remote = party, [], []
        self.direction, self.zero, self.version = "sendrecv", False, 0

    def want(self, kinds):
        for kind in kinds[len(self.media):]:
            self.media.append(Media(self.party, kind, self.party.next_media_port()))

    def move(self):
        """To other ports, as some do when they resume."""
        kinds = [media.kind for media in self.media]
        for media in self.media:
            media.close()
        self.media = []
        self.want(kinds)

    def offer(self):
        self.version += 1
        streams = [Stream(media.kind, None, media.port, self.direction) for media in self.media]
        return Sdp.write(self.version, self.party.media_address, streams, self.zero)

    def answer(self, offer):
        """The streams of an offer, each in the direction that is left."""
        self.take(offer)
        self.want([stream.kind for stream in self.remote])
        self.version += 1
        streams = []
        for media, stream in zip(self.media, self.remote):
            direction = MIRROR[stream.direction]
            if stream.address in NOBODY and direction == "sendrecv":
                direction = "recvonly"
            if self.direction == "inactive":
                direction = "inactive"
            streams.append(Stream(media.kind, None, media.port, direction))
        self.local = streams
        return Sdp.write(self.version, self.party.media_address, streams, self.zero)

    def offered(self):
        self.local = [Stream(media.kind, None, media.port, self.direction) for media in self.media]

    def take(self, body):
        self.remote = Sdp.read(body)
        self.party.world.told |= {(stream.address, stream.port + i) for stream in self.remote for i in (0, 1)}

    def sends(self, index):
        stream = self.remote[index]
        return (self.local[index].direction in SENDS and stream.direction in HEARS and stream.port and
                stream.address not in NOBODY)

    def send(self, index, which, text):
        stream = self.remote[index]
        self.media[index].send(which, text, stream.address, stream.rtcp if which else stream.port)

    def close(self):
        for media in self.media:
            media.close()
        self.media = []
