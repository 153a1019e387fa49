"""Words that hold a sentence together: a linear layer weighs them, but as a reason they tell a reader nothing."""

from collections.abc import Mapping
from typing import Final

_NL: Final = """
    de het een 't 'n ik je jij jou u uw we wij ze zij hij hem haar hun hen ons onze mij me mijn m'n z'n zijn jullie men dit dat deze die
    wie wat waar wanneer hoe welke waarom er hier daar van voor door met op in uit aan bij naar om over onder tot te per tegen tussen via
    na sinds sedert zonder en of maar want dus als dan toen omdat zodat terwijl hoewel ook nog al pas net wel weer toch even eens zo heel
    erg zeer meer minder veel wat iets niets niet geen iemand iedereen alles alle elk elke ieder iedere andere ander nu straks vandaag
    ben bent is was waren word wordt worden werd geworden geweest heb hebt heeft hebben had hadden gehad kan kun kunt kunnen kon konden
    mag mogen mocht moet moeten moest moesten wil wilt willen wilde zal zult zullen zou zouden ga gaat gaan ging gingen doe doet doen deed
    gedaan kom komt komen kwam krijg krijgt krijgen kreeg gekregen laat laten liet maak maakt maken zie ziet zien vind vindt vinden zeg
    zegt zeggen zit zitten staat staan ligt liggen keer gewoon graag ge gij zijt 't t den nen gene ne da nie ni wa zich zelf af toe mee
    weg terug volgens
"""
_EN: Final = """
    the a an i me my mine you your yours he him his she her it its we us our they them their this that these those who what which when
    where why how there here of for by with on in out at to from about over under into onto up down off as than then since until after
    before and or but because so if though although while also still even just very too more less much many some any no not every each
    other another all now today again am is are was were be been being have has had having do does did done doing can could may might must
    shall should will would get gets got getting go goes going went come came make makes made take takes took let say says said see one
    i'm i've i'd i'll you're it's that's don't doesn't didn't can't isn't wasn't
"""
_DE: Final = """
    der die das den dem des ein eine einen einem einer eines ich mich mir mein meine meinen du dich dir er ihn ihm sie ihr ihre es wir uns
    unser unsere euch man dies diese dieser dieses wer was wo wann wie warum hier da dort von vom für durch mit auf in im aus an am bei
    beim nach zu zum zur um über unter bis gegen zwischen seit ohne und oder aber denn weil dass wenn als ob obwohl während auch noch
    schon erst nur mal doch so sehr mehr weniger viel etwas nichts nicht kein keine keinen alle alles jeder jede jedes andere jetzt heute
    bin bist ist war waren sind seid sein werde wird werden wurde wurden worden habe hast hat haben hatte hatten kann können konnte darf
    dürfen muss müssen musste will wollen soll sollen sollte würde möchte gehe geht gehen ging kommt kommen kam mache macht machen sich
"""
_FR: Final = """
    le la les l' un une des du de d' je j' tu il elle on nous vous ils elles me te se moi ce cet cette ces mon ma mes votre vos notre nos
    son sa ses leur leurs
    qui que quoi dont où quand comment pourquoi à au aux en dans sur sous par pour avec sans chez et ou mais donc car
    si
    comme aussi encore très plus moins tout tous toute toutes pas ne n' y est sont était être été ai as a avons avez ont avait fait faire va
"""
_ES: Final = """
    el la los las lo un una unos unas de del al yo tú me te se nos le les mi mis tu tus su sus este esta estos estas ese esa eso que quien
    cual cuando donde como por para con sin en a y e o u pero porque si ya muy más menos también todo todos toda todas no es son era fue ser
    estar está están he ha han había hay hacer hace va voy
"""
_IT: Final = """
    il lo la i gli le un uno una di del della dei delle da dal dalla a al alla in nel nella su sul con per tra fra io tu mi ti si ci vi
    mio mia suo sua questo questa quello quella che chi cui quando dove come e ed o ma perché se anche ancora già molto più meno tutto tutti
    non è sono era essere ho ha hanno aveva fare fa va
"""
_PT: Final = """
    o a os as um uma de do da dos das em no na nos nas ao à por para com sem eu tu você me te se nos meu minha seu sua este esta esse essa
    isso que quem quando onde como e ou mas porque se também ainda já muito mais menos todo todos tudo não é são era foi ser estar está tem
    têm tinha há fazer faz vai
"""

FUNCTION_WORDS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {"nl": _NL, "en": _EN, "de": _DE, "fr": _FR, "es": _ES, "it": _IT, "pt": _PT}.items()
}
