"""Providers whose addresses belong to people that have nothing to do with each other."""

# Families that exist under many endings (yahoo.co.uk, hotmail.fr), by the label before the ending.
_FAMILIES = frozenset(
    "gmail googlemail yahoo ymail rocketmail hotmail outlook live msn gmx aol aim icloud yandex protonmail zoho "
    "tutanota fastmail mailbox hushmail runbox posteo".split()
)
_DOMAINS = frozenset(
    "me.com mac.com proton.me pm.me tuta.io web.de t-online.de freenet.de arcor.de online.de 1und1.de email.de "
    "mail.de posteo.de mailbox.org mail.com email.com usa.com mail.ru bk.ru list.ru inbox.ru internet.ru "
    "rambler.ru ya.ru ukr.net i.ua seznam.cz email.cz centrum.cz post.cz wp.pl o2.pl onet.pl onet.eu interia.pl "
    "interia.eu op.pl gazeta.pl orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr libero.it "
    "virgilio.it tiscali.it alice.it tin.it telefonica.net terra.es sapo.pt mail.pt terra.com.br uol.com.br "
    "bol.com.br ig.com.br ziggo.nl kpnmail.nl planet.nl xs4all.nl home.nl telenet.be skynet.be bluewin.ch "
    "hispeed.ch sunrise.ch telia.com bredband.net comhem.se spray.se online.no frisurf.no mail.dk stofanet.dk "
    "luukku.com kolumbus.fi btinternet.com sky.com talktalk.net virginmedia.com ntlworld.com blueyonder.co.uk "
    "comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net optonline.net "
    "juno.com rogers.com shaw.ca bell.net videotron.ca bigpond.com optusnet.com.au xtra.co.nz qq.com foxmail.com "
    "163.com 126.com yeah.net sina.com sina.cn sohu.com 139.com aliyun.com naver.com daum.net hanmail.net "
    "nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp i.softbank.jp nifty.com rediffmail.com indiatimes.com "
    "walla.co.il abv.bg citromail.hu freemail.hu azet.sk centrum.sk zoznam.sk in.gr otenet.gr mynet.com duck.com "
    "hey.com".split()
)


def is_freemail(domain: str) -> bool:
    """Whether anybody can have an address at this domain. A list, by nature incomplete."""
    domain = domain.lower().strip(".")
    return domain in _DOMAINS or domain.partition(".")[0] in _FAMILIES
