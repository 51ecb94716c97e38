#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every header that holds addresses, in every form that it may be written in."""
import re

import topology as net
from sip import again, message
from call_helpers import back_as as back, out_as as out, phone, server
from ksft import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, Udp, router
from transports import all_ways

WAYS = all_ways(phone, server)

LOCAL, ALG = f"{PHONE}:5060", f"{ROUTER}:5060"
HIDE, SHOW = (LOCAL, ALG), (ALG, LOCAL)
# one that is not ours, and must stay whatever stands beside it
ALIEN = "10.9.8.7:5060"


def request(name, lines, uri=f"sip:bob@{SERVER}", via=LOCAL, method="OPTIONS", extra=""):
    return message(f"""{method} {uri} SIP/2.0
        Via: SIP/2.0/UDP {via};branch=z9hG4bK{name}{extra}
        From: <sip:a@{SERVER}>;tag=from
        To: <sip:bob@{SERVER}>
        Call-ID: {name}
        CSeq: 1 {method}""").replace(b"Content-Length: 0\r\n", lines.encode() + b"Content-Length: 0\r\n")


def response(name, lines, via=ALG, method="OPTIONS", status="200 OK", extra=""):
    return again(request(name, lines, via=via, method=method, extra=extra),
                 (f"{method} sip:bob@{SERVER} SIP/2.0", f"SIP/2.0 {status}"))


IDENTITIES = ("From", "Referred-By", "P-Asserted-Identity", "P-Preferred-Identity", "Diversion", "History-Info")


def value(header, address, way):
    """A value of a header with an address that counts, and more that do not."""
    return {
        "Via": "SIP/2.0/{2} {1};branch=z9hG4bKv",
        "Contact": '"{0}" <sip:{0}@{1};ob>;q=0.5',
        "Diversion": '"{0}" <sip:{0}@{1}>;reason=unknown;counter=1',
        "History-Info": "<sip:{0}@{1}?Reason=SIP%3Bcause%3D302>;index=1.1",
        "Refer-To": "<sip:{0}@{1};method=INVITE?Replaces=x%40{0}%3Bto-tag%3D1>",
        "Referred-By": '"{0}" <sip:{0}@{1}>;cid="{0}"',
        "P-Asserted-Identity": '"{0}" <sip:{0}@{1}>',
        "P-Preferred-Identity": '"{0}" <sip:{0}@{1}>',
    }.get(header, "<sip:{0}@{1};lr;x={0}>").format(way.host, address, way.transport)


COMPACT = {"Via": "v", "Contact": "m", "Refer-To": "r", "Referred-By": "b"}
# by RFC these have one value only
SINGLE = {"Refer-To", "Referred-By"}


def fold(text):
    """White space, where the grammar has some or may have it, becomes a folded line."""
    for before, after in ((" <", "\r\n\t<"), (">;", ">\r\n ;"), ("/UDP ", "/UDP\r\n  ")):
        text = text.replace(before, after)
    return text


def spellings(header, way):
    """The same header with our address, as different phones might write it."""
    ours, alien = value(header, way.local, way), value(header, ALIEN, way)
    forms = {
        "plain": f"{header}: {ours}\r\n",
        "no space": f"{header}:{ours}\r\n",
        "case": f"{header.swapcase()}: {ours}\r\n",
        "space before the colon": f"{header} \t : \t {ours}\r\n",
        "folded": f"{header}:\r\n {fold(ours)}\r\n",
        "blanks at the end": f"{header}: {ours} \t \r\n",
    }
    if header in COMPACT:
        forms["compact"] = f"{COMPACT[header]}: {ours}\r\n"
        forms["compact, capital"] = f"{COMPACT[header].upper()}\t:{ours}\r\n"
    if header not in SINGLE:
        forms["several in a line"] = f"{header}: {alien} , {ours},{alien}\r\n"
        forms["ours twice"] = f"{header}: {ours},\r\n {ours}\r\n"
        forms["several lines"] = f"{header}: {alien}\r\nX: {ours}\r\n{header}: {ours}\r\n"
    return forms


def changed(header, line, way):
    """Our address behind an @, or in a Via, is one that counts; the header X is nobody's."""
    if line.startswith("X: "):
        return line
    if header == "Via":
        return line.replace(way.local, way.alg)
    return line.replace(f"@{way.local}", f"@{way.alg}")


def spelled(header, name, line, way):
    name = re.sub(r"\W", "", header + name)
    via = f"Via: SIP/2.0/{way.transport} {way.local};branch=z9hG4bK{name}"
    head, tail = request(name, line).split(b"\r\n", 1)
    data = head + b"\r\n" + via.encode() + tail[tail.index(b"\r\n"):]
    ours = "".join(changed(header, part, way) for part in line.splitlines(True))
    wanted = again(data, (via, via.replace(way.local, way.alg))).replace(line.encode(), ours.encode())
    assert wanted.count(way.alg.encode()) >= 2, name
    try:
        same(way.across(data, True), wanted)
    except AssertionError as error:
        raise AssertionError(f"{name}, {way.transport} from {way.local}: {error}") from None


def form(row, header):
    @test(row, f"{header}, however it is spelled: ours leaves translated, nothing else changes")
    def check():
        for way in WAYS:
            for name, line in spellings(header, way).items():
                spelled(header, name, line, way)


form("H-8", "Via")
form("H-8", "Contact")
form("H-8", "Route")
form("H-8", "Record-Route")
form("RFC 3327", "Path")
form("S3-28", "Refer-To")
form("RFC 3892", "Referred-By")
form("RFC 3325", "P-Asserted-Identity")
form("RFC 3325", "P-Preferred-Identity")
form("RFC 5806", "Diversion")
form("RFC 7044", "History-Info")


@test("RFC 3608", "Service-Route of a registrar inside leaves translated, one of the outside stays")
def service_route():
    out(request("srv", ""), HIDE)
    for number, address in enumerate((LOCAL, ALIEN, f"{SERVER}:5060")):
        data = response(f"srv{number}", f"Service-Route: <sip:{address};lr>,<sip:{RELAY};lr>\r\n",
                        via=f"{SERVER}:5060", method="REGISTER")
        out(data, *([HIDE] if address == LOCAL else []))
    data = response("srvin", f"Service-Route: <sip:{SERVER}:5060;lr>\r\nService-Route: <sip:{ALIEN};lr>\r\n",
                    method="REGISTER")
    back(data, SHOW)


@test("RFC 3327", "Path comes back in the 2xx as the phone wrote it, others' stay")
def path():
    lines = f"Path: <sip:{LOCAL};lr>,<sip:{SERVER}:5060;lr>\r\nContact: <sip:a@{LOCAL}>\r\n"
    out(request("path", lines, method="REGISTER"), HIDE)
    back(response("path", lines.replace(LOCAL, ALG), method="REGISTER"), SHOW)


@test("S3-42", "all Vias, Record-Routes and Routes of a phone come back to the byte")
def vias():
    for number, host in enumerate((LOCAL, PHONE)):
        lines = (f"Via: SIP/2.0/UDP {host};branch=z9hG4bKx, SIP/2.0/UDP {ALIEN};branch=z9hG4bKy\r\n"
                 f"Record-Route: <sip:{host};lr>, <sip:{SERVER};lr>\r\n"
                 f"Route: <sip:{host};lr>\r\nContact: <sip:a@{host}>\r\n")
        hidden = host.replace(PHONE, ROUTER)
        out(request(f"vias{number}", lines, via=host), (host, hidden))
        lines = lines[:lines.index("Contact")].replace(host, hidden)
        back(response(f"vias{number}", lines, via=hidden), (hidden, host))


@test("S3-42", "a phone that writes its port here and not there has each back as it was")
def mixed():
    with_port, without = f"<sip:{LOCAL};lr>", f"<sip:{PHONE};lr>"
    for number, (first, second) in enumerate(((with_port, without), (without, with_port))):
        for via in (LOCAL, PHONE):
            name = f"mix{number}{len(via)}"
            lines = (f"Via: SIP/2.0/UDP {PHONE};branch=z9hG4bKx\r\nVia: SIP/2.0/UDP {LOCAL};branch=z9hG4bKy\r\n"
                     f"Record-Route: {first}, {second}\r\nRoute: {second},{first}\r\nPath: {first}\r\n"
                     f"Contact: <sip:a@{LOCAL}>\r\n")
            out(request(name, lines, via=via), (PHONE, ROUTER))
            lines = lines[:lines.index("Contact")].replace(PHONE, ROUTER)
            back(response(name, lines, via=via.replace(PHONE, ROUTER)), (ROUTER, PHONE))
            # and is called at what its Contact says, however that has been shortened
            for uri in (ALG, ROUTER):
                data = request(f"{name}in{len(uri)}", "", uri=f"sip:a@{uri}", via=f"{SERVER}:5060")
                back(data, (f"sip:a@{uri} ", f"sip:a@{LOCAL} "))


@test("H-12", "an identity without a port does not change at which port the phone is called")
def identity_port():
    ours = Udp("phone", PHONE, 5062)
    for number, header in enumerate(IDENTITIES[1:] + ("Via", "Record-Route", "Route")):
        near, far = f"{PHONE}:5062", f"{ROUTER}:5062"
        lines = f"Contact: <sip:a@{near}>\r\n" + (
            f"{header}: <sip:a@{PHONE}>\r\n" if header != "Via" else f"Via: SIP/2.0/UDP {PHONE};branch=z9hG4bKx\r\n")
        ours.send(request(f"idp{number}", lines, via=near), SERVER)
        assert server.recv() and server.sender == (ROUTER, 5062)
        data = request(f"idpi{number}", "", uri=f"sip:a@{far}", via=f"{SERVER}:5060")
        server.send(data, ROUTER, 5062)
        same(ours.recv(), again(data, (f"sip:a@{far} ", f"sip:a@{near} ")))
    ours.close()


@test("RFC 3261 Via maddr", "maddr of a Via: ours is translated, a multicast group and an alien stay")
def maddr():
    for number, (address, hidden) in enumerate(((PHONE, ROUTER), ("224.0.1.75", None), ("10.9.8.7", None))):
        changes = [HIDE]
        if hidden:
            changes.append((f"maddr={PHONE}", f"maddr={ROUTER}"))
        out(request(f"maddr{number}", "", extra=f";maddr={address};ttl=1"), *changes)


@test("RFC 3581", "rport and received: empty stays empty, what is filled in comes back right")
def rport():
    for number, (params, wanted) in enumerate((
            (f";received={ROUTER};rport=5060", f";received={PHONE};rport=5060"),
            (f";rport=5060;received={ROUTER}", f";rport=5060;received={PHONE}"),
            (f";RECEIVED = {ROUTER} ;rport = 5060", f";RECEIVED = {PHONE} ;rport = 5060"),
            (";received=198.51.100.9;rport=777", ";received=198.51.100.9;rport=777"),
            (";rport", ";rport"))):
        out(request(f"rport{number}", "", extra=";rport"), HIDE)
        data = response(f"rport{number}", "", extra=params)
        back(data, (params, wanted), SHOW)


@test("RFC 3261 18.2.2", "without rport the answer goes to the port in Via, from whichever port the request came")
def sent_by():
    router("ethtool -K lan tx off")
    high = Udp("phone", PHONE, 49200)
    for number, (via, params, receiver) in enumerate(((LOCAL, "", phone), (LOCAL, ";rport", high), (PHONE, "", phone),
                                                      (f"{PHONE}:49200", "", high), (f"{PHONE}:1023", "", high))):
        data = request(f"sb{number}", "", via=via, extra=params)
        high.send(data, SERVER)
        got, port = server.recv(), server.sender[1]
        seen = f"{ROUTER}:{port}"
        same(got, again(data, (f"UDP {via};", f"UDP {seen};")))
        data = response(f"sb{number}", "", via=seen, extra=params)
        server.send(data, ROUTER, port)
        same(receiver.recv(), again(data, (f"UDP {seen};", f"UDP {via};")))
        assert receiver.sender == (SERVER, 5060), receiver.sender
    high.close()


@test("RFC 3581", "of several Vias received and rport change in the topmost only")
def lower_received():
    lower = f"Via: SIP/2.0/UDP {ALIEN};received={ROUTER};rport=5060;branch=z9hG4bKlow\r\n"
    out(request("lower", lower), HIDE)
    back(response("lower", lower, extra=f";received={ROUTER}"), SHOW,
         (f"branch=z9hG4bKlower;received={ROUTER}", f"branch=z9hG4bKlower;received={PHONE}"))


@test("S3-58", "addresses without brackets and without a scheme, in both directions")
def bare():
    lines = f"Contact: 733@{LOCAL}\r\nRecord-Route: {LOCAL}\r\nRoute: sip:{LOCAL};lr\r\n"
    out(request("bare", lines), HIDE)
    data = request("bareback", "", uri=f"212@{ROUTER}", via=f"{SERVER}:5060", method="MESSAGE")
    back(data, (f"212@{ROUTER} ", f"212@{LOCAL} "))


@test("H-18", "tel:, sips: and other schemes: a tel: stays, a sips: of ours is translated")
def schemes():
    lines = ("P-Asserted-Identity: <tel:+4930123456>, \"a\" <sip:a@example.com>\r\n"
             f"Contact: <sips:a@{LOCAL}>, <mailto:a@{PHONE}>, <tel:+49;phone-context={PHONE}>\r\n")
    out(request("tel", lines), (f"UDP {LOCAL}", f"UDP {ALG}"), (f"sips:a@{LOCAL}", f"sips:a@{ALG}"))


@test("S3-28", "Refer-To and Referred-By of a peer: what names our phone leads to it, others stay")
def refer_in():
    out(request("known", f"Contact: <sip:a@{LOCAL}>\r\n"), HIDE)
    lines = f"Refer-To: <sip:a@{ALG};x=y?Replaces=q%40{ROUTER}>\r\nReferred-By: <sip:b@{SERVER}>\r\n"
    data = request("referin", lines, uri=f"sip:a@{ALG}", via=f"{SERVER}:5060", method="REFER")
    back(data, (f"sip:a@{ALG}", f"sip:a@{LOCAL}"))
    lines = f"Refer-To: <sip:c@{RELAY}:5060>\r\n"
    back(request("referout", lines, uri=f"sip:a@{ALG}", via=f"{SERVER}:5060", method="REFER"),
         (f"sip:a@{ALG}", f"sip:a@{LOCAL}"))


@test("H-6", "every address-like thing around ours stays: user, display name, parameters, other headers")
def lookalikes():
    lines = (f'Contact: "{LOCAL}" <sip:{PHONE}%40{PHONE}@{LOCAL};x={PHONE};y="{LOCAL}">;z={PHONE}\r\n'
             f"Subject: {LOCAL}\r\nWarning: 399 {PHONE} \"{LOCAL}\"\r\nUser-Agent: x/{PHONE}\r\n"
             f"In-Reply-To: x@{PHONE}\r\nReplaces: x@{PHONE};to-tag={PHONE};from-tag={PHONE}\r\n"
             f"Call-Info: <http://{PHONE}/>\r\nAlert-Info: <http://{LOCAL}/>\r\n"
             f"Reply-To: <sip:a@1{PHONE}>\r\nSupported: x-{PHONE}\r\n")
    out(request(f"like{PHONE}", lines), (f"UDP {LOCAL}", f"UDP {ALG}"), (f"%40{PHONE}@{LOCAL};x", f"%40{PHONE}@{ALG};x"))


@test("H-7", "digests, in either direction, stay with every address in them")
def digest():
    digest = (f'Digest username="{PHONE}", realm="{PHONE}", nonce="{LOCAL}", uri="sip:{LOCAL}", '
              f'response="{ROUTER}", opaque="{ALG}"')
    lines = f"Authorization: {digest}\r\nProxy-Authorization: {digest}\r\n"
    out(request("dig", lines, uri=f"sip:{LOCAL}", method="REGISTER"), (f"UDP {LOCAL}", f"UDP {ALG}"))
    lines = (f"WWW-Authenticate: {digest}\r\nProxy-Authenticate: {digest}\r\n"
             f"Authentication-Info: nextnonce=\"{ALG}\"\r\n")
    for status in ("401 Unauthorized", "407 Proxy Authentication Required"):
        back(response("dig", lines, method="REGISTER", status=status), (f"UDP {ALG}", f"UDP {LOCAL}"))
    # ... and where the phone is who asks
    lines = lines.replace("Authentication-Info", "X")
    out(response("dig2", lines, via=f"{SERVER}:5060", status="401 Unauthorized"))


@test("H-7", "the Request-URI of an outbound request stays in every method, even if it is ours")
def request_uri():
    for method in ("INVITE", "OPTIONS", "SUBSCRIBE", "UPDATE"):
        out(request("uri" + method, "", uri=f"sip:bob@{LOCAL};x=1", method=method),
            (f"UDP {LOCAL}", f"UDP {ALG}"))


def second_phone():
    """A phone whose port outside is not its own, because the first one has that."""
    out(request("first", ""), HIDE)
    other = Udp("other", OTHER, 5060)
    other.send(request("second", "", via=OTHER), SERVER)
    assert server.recv() and server.sender[1] != 5060
    return other, server.sender[1]


@test("RFC 3325", "identities get the public address, a port only where the phone wrote its own")
def identities():
    other, port = second_phone()
    for number, header in enumerate(IDENTITIES):
        for written, seen in ((OTHER, ROUTER), (f"{OTHER}:5060", f"{ROUTER}:{port}"),
                              (f"{OTHER}:5999", f"{ROUTER}:5999")):
            data = request(f"id{number}", f"{header}: <sip:a@{{}}>;tag=x\r\n".format(written), via=OTHER)
            if header == "From":
                data = data.replace(f"From: <sip:a@{SERVER}>;tag=from\r\n".encode(), b"")
            other.send(data, SERVER)
            same(server.recv(), again(data, (f"UDP {OTHER};", f"UDP {ROUTER}:{port};"),
                                      (f"a@{written}>", f"a@{seen}>")))
    other.close()


@test("RFC 3325", "identities in answers of the phone as well (RFC 5806, RFC 7044)")
def identities_answered():
    for header in IDENTITIES[2:]:
        data = response("ida" + header, f"{header}: <sip:a@{LOCAL}>, <sip:b@{ALIEN}>\r\n", via=f"{SERVER}:5060",
                        status="302 Moved")
        out(data, HIDE)


@test("H-12", "rport, received and maddr are put back where the port outside is another")
def other_port():
    other, port = second_phone()
    for number, (written, seen) in enumerate((
            (f";received={ROUTER};rport={port}", f";received={OTHER};rport=5060"),
            (f";rport={port}", ";rport=5060"), (";rport=5060", ";rport=5060"),
            (f";maddr={ROUTER}", f";maddr={OTHER}"))):
        data = request(f"op{number}", "", via=OTHER, extra=f";maddr={OTHER}" if "maddr" in seen else ";rport")
        other.send(data, SERVER)
        assert server.recv()
        data = response(f"op{number}", "", via=f"{ROUTER}:{port}", extra=written)
        server.send(data, ROUTER, port)
        same(other.recv(), again(data, (f"UDP {ROUTER}:{port}", f"UDP {OTHER}"), (written, seen)))
    other.close()


@test("RFC 3608", "a Service-Route that names the phone's own public address comes back as its own")
def own_service_route():
    lines = f"Contact: <sip:a@{LOCAL}>\r\n"
    out(request("osr", lines, method="REGISTER"), HIDE)
    back(response("osr", f"Service-Route: <sip:{ALG};lr>, <sip:{SERVER};lr>\r\n", method="REGISTER"), SHOW)


@test("RFC 3261 Via maddr", "maddr of a URI: ours leaves translated, in requests and in answers, others' stay")
def uri_maddr():
    other, port = second_phone()
    lines = f"Contact: <sip:a@example.com;maddr={OTHER}>\r\nRoute: <sip:x.example;maddr=10.9.8.7;lr>\r\n"
    data = request("um", lines, via=OTHER)
    other.send(data, SERVER)
    changes = (f"UDP {OTHER};", f"UDP {ROUTER}:{port};"), (f"maddr={OTHER}", f"maddr={ROUTER}")
    same(server.recv(), again(data, *changes))
    data = response("uma", lines, via=f"{SERVER}:5060")
    other.send(data, SERVER)
    same(server.recv(), again(data, changes[1]))
    other.close()


METHODS = ("REGISTER", "INVITE", "ACK", "OPTIONS", "BYE", "CANCEL", "INFO", "SUBSCRIBE", "NOTIFY", "REFER",
           "UPDATE", "PRACK", "MESSAGE", "PUBLISH", "BENOTIFY", "SERVICE", "x-Made.Up!%*_+`'~")


@test("S3-22", "every method is translated in both directions, those that nobody knows as well")
def methods():
    lines = f"Contact: <sip:a@{LOCAL}>\r\nRecord-Route: <sip:{LOCAL};lr>\r\n"
    for number, method in enumerate(METHODS):
        out(request(f"me{number}", lines, method=method), HIDE)
        lines_in = f"Route: <sip:{ALG};lr>\r\nContact: <sip:b@{SERVER}:5060>\r\n"
        data = request(f"mi{number}", lines_in, uri=f"sip:a@{ALG}", via=f"{SERVER}:5060", method=method)
        back(data, SHOW)


STATUSES = (100, 180, 181, 182, 183, 199, 200, 202, 204, 299, 300, 301, 302, 305, 380, 400, 401, 403, 404, 405,
            407, 408, 410, 415, 420, 421, 422, 423, 480, 481, 482, 486, 487, 488, 491, 499, 500, 503, 504, 599,
            600, 603, 604, 606, 699)


@test("S3-23", "every class of response is translated in both directions, odd codes and no phrase as well")
def statuses():
    ours = f"Contact: <sip:a@{LOCAL}>\r\nRecord-Route: <sip:{LOCAL};lr>\r\n"
    theirs = f"Contact: <sip:b@{SERVER}:5060>\r\nRecord-Route: <sip:{ALG};lr>\r\n"
    for method in ("OPTIONS", "INVITE", "FOO"):
        for code in STATUSES:
            status = f"{code} " + ("x y" if code % 2 else "")
            out(request("st", ours, method=method), HIDE)
            back(response("st", theirs, method=method, status=status), SHOW)
            out(response("so", ours, via=f"{SERVER}:5060", method=method, status=status), HIDE)


@test("S3-22", "a call whose methods nobody knows keeps two phones apart")
def third():
    other = Udp("other", OTHER, 5070)
    data = request("third", f"Contact: <sip:c@{OTHER}:5070>\r\n", via=f"{OTHER}:5070", method="FOO")
    other.send(data, SERVER)
    same(server.recv(), again(data, (f"{OTHER}:5070", f"{ROUTER}:5070")))
    data = request("thirdin", "", uri=f"sip:c@{ROUTER}:5070", via=f"{SERVER}:5060", method="FOO")
    server.send(data, ROUTER, 5070)
    same(other.recv(), again(data, (f"sip:c@{ROUTER}:5070", f"sip:c@{OTHER}:5070")))
    other.close()


run(after=net.nothing_left)
