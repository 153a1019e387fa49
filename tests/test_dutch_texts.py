"""Invented Dutch texts by phenomenon: their label, and the words that a Dutch reader would point at."""

import pytest

from agents.lexicons import load_pack
from pipeline.lexicon.function_words import FUNCTION_WORDS
from pipeline.lexicon.scorer import PackScorer
from pipeline.sentiment import PackSentiment

LABELS = {"-": "negative", "0": "neutral", "+": "positive"}
TABLE = """
# separable negation, denied praise and denied blame
- De kaartlezer werkt gewoon niet => werkt niet
- Uw uitleg helpt me niet verder => helpt niet
- Jullie app doet het weer eens niet => doet het niet
- Vriendelijk is anders => Vriendelijk is anders
- Goedkoop kun je dit niet noemen => Goedkoop; kun niet noemen
- Echt blij ben ik er niet mee => blij niet
- De bediening was niet bijster vriendelijk => niet bijster vriendelijk
- Overzichtelijk is wat anders => Overzichtelijk is wat anders
- Ik ben allesbehalve tevreden => allesbehalve tevreden
- Van service is geen sprake => is geen sprake
+ Niet slecht voor die prijs => Niet slecht
+ Nooit meer gedoe met losse kaartjes => Nooit meer gedoe
+ Nog nooit problemen gehad met deze bank => Nog nooit problemen gehad
+ Ik heb er geen moment spijt van gehad => heb geen moment spijt
+ Geen gezeik, gewoon geregeld => Geen gezeik
+ Hapert nooit, ook niet in de trein => Hapert nooit
+ Er is niets op aan te merken => niets op aan te merken
+ Nog nooit zo snel geholpen => Nog nooit zo snel; geholpen
+ Ik kan geen slecht woord over ze zeggen => geen slecht woord
+ Het kon niet beter => Het kon niet beter
# still not, again, how often
- Nog steeds geen antwoord op mijn mail van maandag => Nog steeds geen
- Al drie weken geen internet => Al geen internet
- Mijn bestelling is nog altijd niet binnen => nog altijd niet
- Voor de vierde keer gebeld over dezelfde fout => Voor de vierde keer; fout
- Weer een storing, net nu ik moet werken => Weer een storing
- Elke ochtend hetzelfde gezeik met deze lijn => Elke ochtend hetzelfde; gezeik
- Al vier keer gemaild en niemand die reageert => Al vier keer gemaild; niemand die reageert
- Steeds dezelfde smoes => smoes
- De zoveelste prijsverhoging dit jaar => De zoveelste; prijsverhoging
- Ik word maar niet teruggebeld => niet teruggebeld
# complaints between the lines
- Mijn factuur is 80 euro hoger dan vorige maand => factuur hoger
- De trein staat al uren stil => staat uren stil
- Mijn nieuwe oplader stond gisteren in brand => stond in brand
- Sta al 50 minuten in de wacht => Sta minuten in de wacht
- Twee keer afgeschreven deze maand => Twee keer afgeschreven
- Pakket over de schutting gegooid => over de schutting gegooid
- Monteur niet komen opdagen => Monteur niet opdagen
- Wij zitten al twee dagen zonder stroom => zitten zonder stroom
- Er is niet aangebeld en nu moet ik naar een afhaalpunt => niet aangebeld
- De lift is weer buiten gebruik => lift buiten gebruik
- Koffer zoek na de overstap => Koffer zoek
- Er zat een haar in mijn soep => haar in mijn soep
- Aansluiting gemist door jullie vertraging => Aansluiting gemist; vertraging
- Het termijnbedrag is zomaar verdubbeld => termijnbedrag verdubbeld
- Ik krijg steeds een foutmelding bij het betalen => foutmelding
# leaving, warning others, going to court
- Ik zeg mijn abonnement op => zeg abonnement op
- Wij stappen over naar een andere bank => stappen over naar
- Wegwezen bij deze club => Wegwezen
- Ik ben er klaar mee => Ik ben er klaar mee
- Dit was de laatste keer => Dit was de laatste keer
- Ik raad iedereen deze winkel af => raad af
- Trap er niet in => Trap er niet in
- Dan maar naar de geschillencommissie => naar de geschillencommissie
- Bij jullie koop ik nooit meer iets => koop nooit meer
- Nog één zo'n brief en ik ben weg => en ik ben weg
- Ik stel u hierbij in gebreke => stel in gebreke
- Eens maar nooit weer => Eens maar nooit weer
# idioms
- Om gek van te worden, dat keuzemenu => Om gek van te worden; keuzemenu
- Van het kastje naar de muur gestuurd => Van het kastje naar de muur
- De dienstregeling is om te huilen => om te huilen
- Lachwekkend, zo'n tegoedbon => Lachwekkend
- De maat is vol => De maat is vol
- Ik word hier doodmoe van => word doodmoe van
- Met een kluitje in het riet gestuurd => Met een kluitje in het riet
- Jullie laten ons in de kou staan => in de kou staan
- Dat raakt kant noch wal en slaat nergens op => kant noch wal; slaat nergens op
- Ze hebben me een oor aangenaaid => een oor aangenaaid
- Mosterd na de maaltijd, die sms => Mosterd na de maaltijd
- Wij zijn de dupe => de dupe
- Jullie beloftes zijn gebakken lucht => gebakken lucht
- Het loopt de spuigaten uit => de spuigaten
+ Dikke pluim voor de monteur => Dikke pluim
+ Chapeau voor het hele team => Chapeau voor
+ Een verademing na mijn vorige provider => Een verademing
+ Het ging van een leien dakje => van een leien dakje
+ Petje af voor de conducteur => Petje af
+ Daar kan de concurrent een voorbeeld aan nemen => Daar kan een voorbeeld aan nemen
+ Fluitje van een cent met die nieuwe app => Fluitje van een cent
+ Service met een hoofdletter S => Service met een hoofdletter S
+ Die webshop is goud waard => goud waard
+ Kind kan de was doen => Kind kan de was doen
# thanks, praise, solved
+ Thx toppers! => Thx; toppers
+ Super snel geholpen door Anouk, bedankt => snel geholpen; bedankt
+ Probleem is netjes opgelost => Probleem opgelost
+ Binnen een uur gerepareerd => Binnen uur gerepareerd
+ Wat een lieve dame aan de telefoon => Wat een lieve
+ De chauffeur verdient een compliment => verdient een compliment
+ Gisteren besteld, vandaag al binnen => Gisteren besteld vandaag binnen
+ Jullie denken goed mee => denken mee
+ Sneller dan verwacht in huis => Sneller dan verwacht
+ Een absolute aanrader => absolute aanrader
+ Het werkt weer, helemaal blij => werkt weer; blij
+ Alles was precies zoals afgesproken => precies zoals afgesproken
+ Wat een service, hier blijf ik klant => Wat een service; hier blijf ik
+ Geld netjes teruggekregen, keurig => Geld teruggekregen; keurig
+ Tien met een griffel => Tien met een griffel
+ Al jaren tevreden klant => Al jaren klant
+ Eindelijk iemand die luistert => Eindelijk iemand die luistert
+ Goed uitgelegd en keurig op de hoogte gehouden => Goed uitgelegd; keurig op de hoogte
+ Jij bent een held, Youssef => held
+ Ga zo door => Ga zo door
# short replies and chat
+ top => top
+ prima => prima
+ Super! => Super
+ thnx => thnx
+ toppie => toppie
+ 👍👍 => 👍
- helaas => helaas
- jammer => jammer
- balen => balen
- bah => bah
- 😡😡😡 => 😡
- matig => matig
0 ok, morgen dan =>
0 oja
0 ff kijken
0 hoezo
0 ja
0 9 uur
# profanity and abbreviations
- kut service => kut service
- Wtf is dit voor wachttijd => Wtf; wachttijd
- Kutprovider, alweer plat => Kutprovider; alweer
- klotezooi met die automaten => klotezooi
- Godverdomme, doe je werk => Godverdomme
- Wat een teringbende daar => teringbende
- Krijg wat met je hele klerezooi => klerezooi
- stelletje prutsers => prutsers
- pauperbedrijf => pauperbedrijf
+ Holy shit wat snel => snel
+ verdomd lekker gegeten hier => lekker gegeten
# typing errors, chat spelling, compounds
- teleurgestelt in jullie klantenservise => teleurgestelt
- slegte ervaring => slegte
- waardeloooos => waardeloooos
- belachlijk lange wachttijd => belachlijk; wachttijd
- bagageellende en instapchaos => bagageellende; instapchaos
- Pure kofferdrama => kofferdrama
- updategedoe => updategedoe
- bezorgfrustratie => bezorgfrustratie
- niet norrmaal meer, weer vertaging => niet norrmaal; vertaging
+ heeeerlijk gegeten => heeeerlijk
+ suuuuper blij mee => suuuuper; blij mee
+ bedankd voor de snelle hulp => bedankd; snelle hulp
+ vriendlijk geholpen => vriendlijk; geholpen
+ keigoed => keigoed
# too much, and more or less than
- Veel te duur voor wat je krijgt => Veel te duur
- Te weinig personeel op zaterdag => Te weinig
- Het duurt te lang => duurt lang
- Steeds trager, die website => Steeds trager
- Duurder dan afgesproken => Duurder dan afgesproken
- Bij de concurrent goedkoper en sneller => Bij de concurrent goedkoper; sneller
- Minder vriendelijk dan vroeger => Minder vriendelijk
- Slechtste bank van Nederland => Slechtste bank
+ Veel makkelijker dan bij mijn oude bank => Veel makkelijker
+ Goedkoper dan verwacht => Goedkoper dan verwacht
+ De beste app die ik ken => De beste
+ Te gek! => Te gek
# contrast
- Mooie winkel, maar de kassa duurt eeuwen en niemand helpt => Mooie; duurt eeuwen; niemand helpt
- Lekker eten maar onbeschoft personeel => Lekker eten; onbeschoft
- De monteur was aardig, maar het lekt nog steeds => aardig; lekt; nog steeds
+ Even wachten, maar dan wel perfect geholpen => perfect geholpen
+ Het is geen luxe, maar de mensen zijn fantastisch => geen luxe; fantastisch
# questions, requests, thanks that close
0 Kunt u mij helpen met mijn abonnement?
0 Is het mogelijk om mijn adres te wijzigen?
0 Is afhalen gratis? =>
0 Welke bundel is het beste voor het buitenland?
0 Mag mijn hond mee in de trein?
0 Graag een kopie van de nota. Alvast bedankt =>
0 Wilt u mijn daglimiet verhogen? Dank u wel =>
0 Hoe kan ik mijn wachtwoord wijzigen?
0 Wordt mijn pakket vandaag bezorgd?
0 Hebben jullie deze jas ook in het blauw?
0 Kan ik met korting reizen na 9 uur?
0 Zou iemand mij kunnen terugbellen?
- Wanneer wordt dit eindelijk eens opgelost? => Wanneer eindelijk
- Waarom neemt er niemand op? => Waarom niemand
- Hoe durven jullie dit te vragen? => Hoe durven
- Waar blijft mijn pakket? => Waar blijft mijn pakket
# facts and news
0 Het pakket is om 14 uur bezorgd
0 NS rijdt zondag tussen Utrecht en Gouda met bussen
0 De bank verlaagt de rente naar 1,4 procent
0 Schade melden kan tot 30 dagen na ontvangst
0 Het eigen risico blijft 385 euro
0 De verzekeraar neemt in mei een branchegenoot over
0 Vanaf maandag zijn wij open van 9 tot 17 uur
0 Volgens de toezichthouder daalt het aantal klachten
0 De winkel is op feestdagen gesloten
0 Mijn klantnummer is 4471
0 De hele straat krijgt glasvezel
0 Prettige feestdagen =>
# irony that is certain
- Mijn pakket is alweer kwijt, knap hoor => alweer; kwijt; knap hoor
- Al zes weken ligt de stoep open. Hulde => Al weken; Hulde
- Lekker bezig, jongens => Lekker bezig
- Bedankt voor niks => Bedankt voor niks
- Fijn hoor, weer een uur wachten => Fijn hoor weer; uur wachten
- Top hoor, weer vertraging => Top hoor weer; vertraging
- Fantastisch, weer een robot aan de lijn => Fantastisch weer
- Nou lekker dan => Nou lekker
- Mooie boel daar => Mooie boel
- Bedankt voor de vertraging => Bedankt voor vertraging
- Jullie 'service' kun je houden => kun je houden
- Complimenten voor deze puinhoop => Complimenten voor puinhoop
- Heerlijk, alweer een bus die niet rijdt => Heerlijk alweer; niet rijdt
- Lekker handig weer => Lekker handig weer
- Wat een 'handig' abonnement => handig
- Maar niet heus => Maar niet heus
# Flemish
- Amai, wat een zever in pakskes => wat een zever
- 't Trekt op niks => Trekt op niks
- Ambetant, mijnen trein is weer afgeschaft => Ambetant; trein afgeschaft
- Ze hebben mij goed in 't zak gezet => goed; in t zak gezet
- Da's nie normaal meer => Da's nie normaal
- Ge moet maar durven => Ge moet maar durven
- Ik ben niet content => ben niet content
- Miserie met de nieuwe teller => Miserie
+ Dikke merci aan de technieker => Dikke merci
+ Ferm content van mijnen nieuwe frigo => Ferm content
+ Da's goe gedaan => goe gedaan
+ De max, zo rap geleverd => De max; rap
+ Schoon gedaan van u => Schoon gedaan
+ Viel goed mee => Viel goed mee
0 Kunt ge eens zien wanneer mijn pakske komt?
0 Ik kom zaterdag met mijn nonkel langs
# resolved, and a strong word before praise
+ Belachelijk lekker => lekker
+ Gevaarlijk goed boek => Gevaarlijk goed
+ Ik ben kapot van geluk => kapot van geluk
+ Storing snel verholpen, top => Storing verholpen; top
+ Klacht keurig afgehandeld => keurig afgehandeld
+ Eindelijk opgelost, dank jullie wel => Eindelijk opgelost; dank
# thanks by what would have been
+ Zonder jullie hulp was het nooit gelukt => Zonder jullie was nooit gelukt
+ Zonder Piet had ik het niet gered => Zonder had niet gered
+ Zonder haar zat ik nu nog te wachten => Zonder haar zat nog
+ Als jullie er niet waren geweest => Als jullie er niet waren
# amazement, both ways
+ Niet te geloven zo snel => Niet te geloven zo snel
- Niet te geloven hoe traag => Niet te geloven; traag
- Niet te geloven wat een puinhoop => Niet te geloven wat een puinhoop
# wishes
0 Zou leuk zijn als jullie ook in Gent openen =>
0 Het zou fijn zijn als er een filter bij kwam =>
- Het zou fijn zijn als iemand eens terugbelt => zou fijn zijn als terugbelt
# news of an event
0 Storing in het gasnet van Ede verholpen, meldt de netbeheerder =>
0 Vakbonden kondigen voor dinsdag een staking aan =>
- Wij hebben weer een storing en reizigers worden boos => weer een storing; boos
# praise that mocks, praise and blame side by side
- Top weer. Derde keer dit jaar een leeg doosje => Top; Derde keer dit
- Lekker. Pakket kwijt => Lekker; kwijt
+ Top weer! Snel geholpen => Top; Snel geholpen
- Mooi geregeld dames, pakket kwijt => Mooi; kwijt
- Chapeau! Alles kapot => Chapeau; kapot
- Leuk. Not. => Leuk; Not
+ Geweldig geregeld buurman, snel klaar => Geweldig geregeld; snel
0 Goede app, slechte helpdesk => Goede; slechte
# feared, and not so
+ Er was niets dat tegenviel => niets dat tegenviel
- Geblokkeerd zonder dat mij iets is verteld => Geblokkeerd; zonder dat verteld
# plain mentions: praise
+ De soep smaakte als bij mijn oma => smaakte als bij
+ Die podcast is verplicht luistervoer voor elke leerkracht => verplicht luistervoer
+ De huisarts belde 's avonds nog om te horen hoe het ging => om te horen hoe
+ Koop die stofzuiger, je krijgt er geen spijt van => krijgt er geen spijt van
+ Volgende week weer! We kijken er nu al naar uit => kijken er naar uit
+ Na jaren sukkelen heeft deze kinesist me er bovenop geholpen => sukkelen; me er bovenop; geholpen
+ Deze minister luistert tenminste => luistert tenminste
+ Ze hebben mijn dag gemaakt => mijn dag gemaakt
+ Die reportage gaf me kippenvel => kippenvel
+ Veel bijgeleerd tijdens de rondleiding => bijgeleerd
+ De nieuwe stoelen zitten als gegoten => zitten als gegoten
+ Wij zijn er weg van => zijn er weg van
+ Deze burgemeester staat dicht bij de mensen => dicht bij de mensen
# plain mentions: blame
- Die politicus zegt elke week iets anders => zegt elke iets anders
- Het boek had honderd bladzijden korter gemogen => had korter gemogen
- Mijn batterij is na twee uur al leeg => batterij is na leeg
- De acteurs praten zo onverstaanbaar dat ik ondertitels nodig had => onverstaanbaar
- Twintig minuten in de rij voor één kassa => minuten in de rij
- Die school luistert niet naar ouders => luistert niet naar
- Ik wacht al sinds maandag op een antwoord => wacht al sinds
- De kamer rook naar sigaretten => rook naar sigaretten
- De scheidsrechter was blind vanavond => blind vanavond
- Je betaalt je blauw aan parkeergeld => betaalt je blauw
- Dat programma is over zijn hoogtepunt heen => over zijn hoogtepunt
- Wat een bezopen plan om daar een autoweg te leggen => Wat een bezopen
- De helft van de attracties was gesloten => helft van de gesloten
- Dit slaat werkelijk alles => Dit slaat werkelijk
- De helpdesk spreekt alleen Engels => spreekt alleen Engels
- Wéér die herhalingen op tv => die herhalingen
- Het enige wat werkte was het lampje => enige wat werkte
# plain mentions: neither
0 Zoek een goeie tandarts in Leuven, iemand tips? =>
0 De oppositie diende een motie van wantrouwen in =>
0 Bedankt voor uw bericht, wij bekijken dit en komen er zo snel mogelijk op terug =>
0 Gefeliciteerd met je verjaardag @jan! =>
0 Prima, dan spreken we elkaar morgen =>
0 Geen probleem, ik stuur het vandaag nog door =>
0 De woordvoerder wilde niet reageren =>
0 Een serie over een moord in een klein dorp =>
0 Ik werk al tien jaar bij de bank =>
0 Ik heb de film nog niet gezien =>
0 Mijn zoon is ziek, kan ik de les verzetten? =>
0 Gratis af te halen: oude kast, licht beschadigd =>
# plain mentions, more: praise
+ De presentator stelt tenminste kritische vragen => stelt tenminste kritische vragen
+ Zo moet radio zijn => Zo moet radio
+ Die broodjes daar, hmmm => hmmm
+ Voor 12 euro een driegangenmenu, daar kan je niet voor koken => daar kan je niet voor koken
+ Dit boek heeft mijn kijk op het leven veranderd => kijk op veranderd
+ Onze hond kwispelt al als hij de trimsalon ziet => kwispelt
+ Alweer een schot in de roos van deze regisseur => Alweer een schot in de roos
+ Die vent kan zingen => kan zingen
+ Zelden zo'n goede acteur gezien => Zelden zo'n goede
+ Ik zou daar zo weer heen gaan => zou daar zo weer heen
+ Jaren klant en nog nooit ontevreden geweest => nog nooit ontevreden geweest
+ Wat een verschil met vroeger, alles loopt nu vanzelf => Wat een verschil met; alles loopt vanzelf
+ Deze burgemeester heeft hart voor de stad => heeft hart voor
+ Na de behandeling was mijn rugpijn weg => rugpijn weg
+ Ik heb in jaren niet zo lekker geslapen => in jaren niet zo lekker geslapen
+ De garage belde dat het veel minder kostte dan verwacht => veel minder kostte dan
+ De zaal ging helemaal los => zaal ging los
+ Zo'n trainer wil elke club => wil elke club
+ Voor mij de film van het jaar => film van het jaar
# plain mentions, more: blame
- De kassier gooide mijn wisselgeld op de toonbank => gooide op toonbank
- De trein was weer zo vol dat ik moest staan tot Gouda => zo vol dat
- Tweede keer deze maand dat het water wordt afgesloten => Tweede keer deze
- Die reclame werkt op mijn zenuwen => werkt op mijn zenuwen
- Hoe kan zo iemand minister worden => Hoe kan zo iemand
- Wat een prijzen vragen ze daar => Wat een prijzen
- Ik ben daar drie kwartier aan de telefoon gehouden => kwartier aan de telefoon
- Ze hebben mij zomaar uitgeschreven => zomaar uitgeschreven
- Wie keurt zulke plannen goed? => Wie keurt zulke; goed
- Ze nemen je gewoon niet serieus => nemen niet serieus
- Voor mij hoeft het niet meer => Voor mij hoeft niet meer
- Ik kreeg een ander model dan ik besteld had => ander model dan
- Die presentator luistert alleen naar zichzelf => luistert alleen naar zichzelf
- We moesten zelf ons bed opmaken => zelf ons bed opmaken
- De portie was voor een kabouter => voor een kabouter
- Ze schuiven alles af op de gemeente => schuiven af op
- Ik betaal voor 100 mbit en haal er 12 => betaal voor en haal
- Het kraanwater smaakt naar chloor => smaakt naar chloor
- Al die plannen en er verandert niks => en er verandert niks
- Ik voelde me bekeken door het personeel => voelde me bekeken
# plain mentions, more: neither
0 Zij speelt de hoofdrol in de nieuwe serie over de oorlog =>
0 Dank je, ik zal het proberen =>
0 Vervelend om te horen. Kun je ons je postcode sturen? =>
0 De rechtbank sprak de verdachte vrij =>
0 Bent u tevreden over onze service? Vul de enquête in =>
0 Beste allemaal, de vergadering van woensdag gaat niet door =>
0 Sommigen vinden het prachtig, anderen vinden het niks =>
0 Dit is ook een oplossing =>
0 Er is geen geld voor een nieuwe zaal =>
0 Ik heb er geen probleem mee =>
0 Het is nu half acht =>
0 Trein 4512 rijdt niet verder dan Mechelen =>
0 Ik ben om vijf uur thuis =>
0 Om tien uur begint de rondleiding =>
0 Er stond zelfs een agent bij de ingang =>
0 Wat is het nummer van jullie klantenservice? =>
0 Is er een nummer dat ik kan bellen? =>
0 Laat maar weten wanneer het past =>
0 Kan ik overstappen naar een ander abonnement? =>
0 We komen er morgen bij u op terug =>
0 Beste inwoners van de stad, morgen wordt het afval opgehaald =>
0 Ik bel om te vragen of de winkel open is =>
0 Wie betaalt dat eigenlijk? =>
0 De koning van de Belgen bezoekt Hasselt =>
0 De zool van mijn schoen is rood =>
0 Bel gerust als er iets is =>
0 Vroeger stond hier een kerk =>
# plain mentions, at last
+ Ze hebben mijn oude naaimachine terug aan de praat gekregen => terug aan de praat
+ Die radiozender is de enige die nog echte muziek draait => de enige die nog echte
+ Onze kleinzoon praat nog elke dag over de dierentuin => praat nog elke
+ Zo'n ziekenhuis maak je zelden mee => maak je zelden mee
+ De kleuren spatten van het scherm => spatten van het scherm
+ Deze film blijft nog dagen nazinderen => blijft nazinderen
+ Daar kan Amsterdam nog wat van leren => kan wat van leren
+ Het smaakt ons elke keer weer => smaakt elke keer
+ Ze waren er binnen het kwartier, en dat op zondagnacht => binnen het kwartier; en dat op zondagnacht
+ Die man weet waarover hij praat => weet waarover hij praat
+ Mijn huid voelt zacht en de roodheid is weg => huid zacht
+ Eindelijk nog eens een boek dat ik niet kon wegleggen => niet kon wegleggen
+ Het nieuwe seizoen is weer raak => seizoen is weer raak
- Hij draait weer om de hete brij heen => draait om de hete
- Mijn koffer kwam met één wiel minder van de band => wiel minder
- Zo jaag je je leden weg => jaag je weg
- Het enige verschil is dat je nu meer betaalt => enige verschil is; nu meer betaalt
- De dokter had meer oog voor zijn scherm dan voor mij => meer oog voor zijn scherm
- Ze laten ouderen gewoon aan hun lot over => laten aan hun lot over
- Die presentatrice praat overal doorheen => praat overal doorheen
- De prijs op het schap was anders dan aan de kassa => anders dan aan de kassa
- Dit is geen debat maar een scheldpartij => scheldpartij
- Wie dit goedgekeurd heeft moet zich laten nakijken => goedgekeurd; zich laten nakijken
0 Het spel is geschikt voor kinderen vanaf acht jaar =>
0 De overheid start een campagne over veilig rijden =>
0 Ik heb haar in de stad gezien
0 Wie had de sleutel gisteren?
0 Dan blijf ik nog even thuis
0 Hij bleef bij zijn oma logeren
0 Op de derde dag gingen we naar zee
0 Ik werk 36 uren in de week
0 Het huis is verkocht aan een gezin uit Utrecht
0 Wat denken jullie van dit voorstel?
0 De volgende dag reisden we terug
0 Zit je dan in de bus van acht uur?
0 Weer een dag op kantoor, daarna naar huis
0 Volgende keer ga ik met de fiets
0 Er zijn veranderingen op handen
0 Hebben jullie dit ook in een andere kleur?
0 De cursus duurt acht weken en kost 120 euro
+ Geen enkel probleem gehad met de overstap => Geen enkel probleem
- Wij komen hier niet meer terug => komen niet meer terug
0 Klik niet op de link en geef nooit uw pincode door
0 Vanmorgen lag het er al
0 Vrijdag houdt de tandarts geen spreekuur
0 Voor de bibliotheek hoeft u geen afspraak te maken
0 U hoeft geen formulier mee te brengen
0 Vanavond is er geen training
- Ik kan niet zeggen dat ik tevreden ben over de reparatie => kan niet zeggen dat tevreden
- Ik geloof niet dat dit een goede bank is => geloof niet dat goede
- Vroeger was dit een goede zaak => Vroeger goede
- Ooit een fijn hotel, daar is niets van over => Ooit fijn; niets van over
- Fijn dat ik jullie betaal en zelf de kabel moet trekken => Fijn dat ik jullie betaal
- Blij dat ik twee uur voor niks thuis zat => Blij dat ik voor niks
- Daar verdien ik een beter antwoord op => verdien ik beter
+ Nooit gedacht dat overstappen zo makkelijk was => makkelijk
0 Het is nu januari
0 Nu maanden bezig met de studie
0 Ik werk hier nu sinds maart
0 Mijn zoon zit te slapen in de auto
0 Dat heb ik al lang gedaan
0 Om de tien seconden springt het licht
0 Drie euro voor een kop koffie
0 Wij gaan ergens anders heen op vakantie
0 Daar staan we dan met z'n tweeën op de foto
0 Hoe krijgen ze het daar?
0 Ik kan weer fietsen
0 Zo door de controle op Schiphol
0 Ik heb veel geleerd op school
# what was mended is not held against anybody; who is torn says so
+ Een lek onder de gootsteen en een storing in de ketel, binnen een uur verholpen => binnen uur verholpen
- Een lek onder het bad, een slechte monteur en na een week gerepareerd => lek; slechte; gerepareerd
+ Geen minpunten, alleen pluspunten => Geen minpunten; pluspunten
- De storing is nog steeds niet verholpen => storing niet verholpen
0 Heerlijk bed, slechte matras ernaast: een zesje => Heerlijk; slechte
# words spelled or spoken otherwise are the same words
- De lift doe 't nie => doe t nie
- Da trekt op nix => trekt op nix
+ 't Is nie slecht => nie slecht
# "nog geen" and its like before blame only negate it
+ In negen jaar nog nooit een defect gehad => nooit een defect
+ Nog geen enkele klacht over de leiding => geen enkele klacht
- Nog nooit zo'n slechte uitleg gehad => Nog nooit zo'n slechte
- Nog geen reactie op mijn formulier => Nog geen
- Nog geen kapotte lamp vervangen => Nog geen vervangen
- Nog geen klacht beantwoord => Nog geen; klacht
# blame that is asked for; who insists, blames, and an insult is no question
- Hoe kan een bedrijf klanten belazeren? => belazeren
0 Is de pan vatbaar voor krassen en roest?
0 Zijn de schoenen gevoelig voor krassen en barsten?
- Is de lift nu alweer kapot? => alweer kapot
# what was feared, is said by others or of others, up to a contrast
0 Bij mijn vorige garage moest ik altijd zeuren en wachten
- Bij mijn vorige bank was de app traag, maar bij jullie is hij nog trager => nog trager
- Jullie zijn nog trager dan mijn vorige garage => nog trager
+ We waren bang dat het vies zou zijn, maar het was brandschoon => brandschoon
0 Volgens mijn zus is het een geweldige kapper
+ Volgens mijn zus was het een ramp, maar ik vond het heerlijk => heerlijk
- Mijn collega's zeggen dat de kantine vies is => vies
0 Deze update verhelpt een fout waardoor de kaart vastliep
# ... or up to another clause; one that did not happen is none
+ De loodgieter loste het probleem op en was heel aardig => aardig
- Deze monteur lost nooit een probleem op en is onbeschoft => onbeschoft
+ Ik was bang voor de kapper en ben super vriendelijk geholpen => ben vriendelijk geholpen
0 We waren bang dat het duur en slecht zou zijn
0 Bij mijn vorige bank betaalde ik maar 2 euro voor een waardeloze app
- De opvang is niet voorbereid op ruzie en reageert belachelijk traag => traag
- Iedereen zegt dat jullie onbetrouwbare oplichters zijn => onbetrouwbare; oplichters
+ Beter dan bij mijn vorige bank => Beter dan
0 Ik was bang voor een lange wachttijd en een heel onvriendelijke balie
0 Ik was bang dat ze te laat zouden zijn en dat het pakket kapot zou zijn
+ Ik was bang voor pijn en super vriendelijk geholpen => vriendelijk geholpen
- Bij mijn vorige bank was alles traag maar jullie zijn erger => erger
+ Geweldig! Bij mijn vorige tandarts was het een ramp => Geweldig
- Deze monteur loste nooit een probleem op waardoor alles kapot bleef => kapot
+ De lekkage moest snel gerepareerd en dat is netjes gebeurd => lekkage gerepareerd; netjes
- De kapotte lamp zou vorige week vervangen zijn => kapotte
- De kapotte lamp wil niemand vervangen => kapotte niemand vervangen
- Hopelijk lossen ze het snel op => Hopelijk lossen op
0 Kunnen jullie deze storing bevestigen?
0 Heb ik recht op vergoeding bij vertraging?
0 Hoe vaak moet ik de filters vervangen?
0 Cijfer: 6/10. Vriendelijk personeel, slechte wifi => Vriendelijk; slechte
0 Bewoners ontevreden over afvalplan, meldt de gemeente
# what is still to be mended is held against them
- Lekkage ontdekt in de nieuwe keuken => Lekkage
- De kapotte lift wordt pas in maart vervangen => kapotte
- De kapotte lamp moet worden vervangen => kapotte moet vervangen
+ De kapotte lamp is dezelfde dag vervangen => dezelfde dag vervangen
+ Ze lossen problemen snel op => lossen snel op
# who is told of is no news, and who speaks of himself asks after nothing
- Scheuren in de muur, de corporatie doet niets => Scheuren; doet niets
- Zeer ontevreden over de corporatie => ontevreden
- Heb een storing gemeld, alles ligt plat, wanneer komt er iemand? => ligt plat
- Hoe vaak moet ik die fout nog melden? => Hoe vaak moet ik
# weak blame is not mocked, nor is what was only feared
+ De chauffeur zag me en heeft gewacht, top! => top
+ Was bang dat ik weken moest wachten, binnen twee dagen geregeld. Top! => Top
+ Na het gedoe bij mijn oude provider ben ik hier heel tevreden => tevreden
# no balance where one side outweighs the other by far
- Kamer met 3 sterren, mooi uitzicht, maar smerig, lawaai en vreselijk personeel => mooi; smerig; lawaai; vreselijk
0 De ene keer top, de andere keer waardeloos => top; waardeloos
# "niet alleen" denies nothing
- Ze laten je niet alleen wachten, ze zijn ook onbeschoft => laten wachten; onbeschoft
- Het internet valt niet alleen vandaag uit => valt uit
+ De stroom valt niet zo vaak uit => valt niet zo vaak uit
# applause after nothing but blame
- Weer een uur in de kou gestaan, schandalig 👏 => in de kou; schandalig; 👏
+ De monteur was er binnen tien minuten 👏 => 👏
+ Geweldig geholpen 👏👏 => Geweldig geholpen; 👏
# a word that may be one of degree judges before a sign
- Dit is verschrikkelijk 😡 => verschrikkelijk; 😡
# a phrase for a fault is asked after too
0 Wat kost het als ik te laat betaal?
0 Krijg ik een boete als ik het boek te laat inlever?
- Waarom komt de bus altijd te laat? => te laat
- Is de bus alweer te laat? => alweer; te laat
# matters of every day
+ Na een kwartiertje stond ik weer buiten met mijn rijbewijs => Na kwartiertje weer buiten
0 Ik loop slecht, is er een lift in het gebouw?
- De roltrap loopt slecht => slecht
+ De kapotte lamp is meteen vervangen => kapotte vervangen
- De kapotte lamp is nog steeds niet vervangen => kapotte steeds niet vervangen
+ Dat is pas service => Dat is pas service
+ Zo'n aardige kapper vind je niet snel => Zo'n vind je niet snel
0 Klachten kunt u indienen bij de balie
0 Mijn zoon wordt snel boos, is daar ruimte voor?
- Ik word hier boos van => boos
0 Heb hem nog niet uitgeprobeerd
+ De defecte mocht ik houden => defecte mocht houden
0 Wij huren hier al twaalf jaar
- Al twaalf jaar niet geschilderd => Al jaar niet
- Daar kom ik niet meer terug => Daar kom ik niet terug
+ Hier kom ik zeker terug => Hier kom ik terug
# a negation in the gap of a phrase turns it round
+ De stroom valt hier nooit uit => valt nooit uit
+ Ze laten je nooit wachten => laten nooit wachten
- Het internet valt elke avond uit => valt elke uit
+ Ik ben nog nooit zo goed geholpen => ben goed geholpen
# praise after nothing but a fault is meant where something was done between; mockery may be said to somebody
+ Ketel lek, binnen een uur een monteur. Top! => lek; Top
- Ketel lek. Top! => lek; Top
- Geen warm water en niemand komt. Top geregeld, gemeente => Geen warm water; niemand komt; Top geregeld
- Niemand komt. Top geregeld, gemeente Veldwijk => Niemand komt; Top geregeld
+ Niemand komt. Top geregeld, door de buren => Niemand komt; Top geregeld
- Top service hoor, drie dagen zonder warm water 👏 => Top service hoor; zonder warm water; 👏
+ In nog geen tien minuten geholpen => In nog geen minuten geholpen
- Nog geen week later alweer stuk => Nog geen week stuk
- Opgelost is er niets => Opgelost is niets
# what was found, or promised, and who speaks
+ Jullie monteur vond het lek binnen een kwartier. Chapeau! => vond lek binnen; Chapeau
- Beloofd: snelle levering. Gekregen: niks. => Beloofd snelle levering; Gekregen niks
0 Mijn zus is heel tevreden over jullie energie. Is het tarief voor mij hetzelfde?
0 Volgens u is alles netjes afgehandeld
- Ik word het aardig zat => aardig zat
+ Aardige mensen hoor => Aardige mensen hoor
# phrases of balance too
0 Prima eten maar trage bediening, zes op tien
- Prima eten maar trage bediening => Prima; trage bediening
# figures with their measure
- 45min aan de lijn gehangen => 45min aan de lijn
- 20min vertraging op de kade => vertraging
# a question that asks how things stand
0 Is de klacht van mijn moeder al in behandeling?
0 Is er nu een storing in Ede?
# applause right after an exclamation mocks with it; a question may go on from another
- Knap 👏 weer een halfuur te laat => Knap; 👏; halfuur te laat
+ Super 👏 alles netjes op tijd => Super; 👏; netjes op tijd
0 En geldt dat ook bij een ongeluk?
+ Ik heb niets aan te merken op deze garage => heb niets aan te merken
- Achteraf bleek het niet te kloppen => bleek niet te kloppen
0 Mijn zoon heeft koorts, ik wil hem afmelden
0 Bewoners kunnen overlast ervaren
+ Mijn pijn is een stuk minder => pijn een stuk minder
0 Vier van de vijf dagen rijdt lijn 6
- Lekker makkelijk. Alles is kapot en niemand komt => kapot; niemand komt
# what is lost by oneself, promised, or asked
0 Ik ben de handleiding kwijtgeraakt, kunt u een nieuwe sturen?
- Ze zouden terugbellen, maar nee hoor => maar nee hoor
- Lekker wachten op het perron in de regen => Lekker wachten; in de regen
0 Hoe lang heb je pijn na een knieoperatie?
- Gebeld heeft niemand => Gebeld heeft niemand
0 Ik overweeg over te stappen op jullie
# what speaks mildly against the verdict is not told
+ Prachtig hotel, ook al is er geen zwembad => Prachtig
"""
"""A line: the sign of its label, the text, and after => its hits, parted by semicolons."""

ROWS = [line for line in TABLE.strip().splitlines() if not line.startswith("#")]


@pytest.fixture(scope="module")
def dutch() -> PackSentiment:
    return PackSentiment(PackScorer(load_pack("nl"), FUNCTION_WORDS["nl"]))


@pytest.mark.parametrize("row", ROWS, ids=[row.partition(" =>")[0][:60] for row in ROWS])
def test_a_text_has_its_label_by_the_right_words(row: str, dutch: PackSentiment) -> None:
    text, _, hits = row[2:].partition(" =>")
    sentiment = dutch.score(text)
    assert (sentiment.label, "; ".join(hit.text for hit in sentiment.hits)) == (LABELS[row[0]], hits.strip())


def test_the_table_is_broad() -> None:
    assert len(set(ROWS)) == len(ROWS) > 200
