"""Words that everybody writes about everything, in a few languages; ordinary weeks tell how common all others are."""

_ENGLISH = """
a about after again all also am an and any are as at back be because been before but by can can't cannot could day days
did do does doesn't doing don't for from get getting go good got had has have haven't he hello help her here hi him his
how i i'm i've if in into is isn't it it's its just know let like make me more my need no not now of off on one only or
our out over please regards so some still thank thanks that that's the their them then there they this through to today
too two up us use very want was we we're week well were what when where which while who why will with won't work would
yesterday you your dear kind best team since morning
"""
_GERMAN = """
aber alle als am an auch auf aus bei beim bin bis bitte da danke dann das dass daß dem den der des die dies diese doch
ein eine einem einen einer er es etwas freundliche freundlichen für gar geht gibt grüße grüßen guten gut hab habe haben
hallo hat heute hier ich ihnen ihr ihre ihren im immer in ist ja jetzt kann kein keine können man mehr mein meine meinen
mich mir mit nach nicht noch nun nur ob oder ohne schon sehr sein seit sich sie sind so tag über um und uns unser unsere
vielen viele vom von vor war was wann warum weil wenn wer werden wie wieder wir wird wo zu zum zur damen herren liebe
"""
_OTHERS = """
au aux avec bonjour bien ce ces cette comme dans de depuis des donc du elle en est et être fait il ils je la le les leur
ma mais me merci mes moi mon ne nos notre nous on ou où par pas plus pour pouvez que qui sa sans se si son sont sur tout
un une vos votre vous cordialement matin
al algo como con cuando del desde donde el ella ellos es esta está este gracias ha hace hay hola las lo los más mi muy
nada nos nosotros o para pero podemos por porque puede puedo que quién saludos ser sí sin sobre son su también te tengo
todo una uno y ya yo buenos días
che ciao come da della di e gli grazie ho non per più questo sono una
de een en het ik is je met niet op te van voor wij zijn dank beste
att det en ett för har hej i inte jag med och om på som tack till vi är
"""
COMMON = frozenset(f"{_ENGLISH} {_GERMAN} {_OTHERS}".split())
# Common words that make another word mean something else.
PARTICLES = frozenset("back down in no not off on out over up kein keine nicht zu no non pas".split())
