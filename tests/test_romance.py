"""The Spanish, Italian and Portuguese packs: texts by phenomenon, what their rules add, and where their words come from."""

import hashlib
import runpy
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.lexicons import load_pack
from pipeline.lexicon.function_words import FUNCTION_WORDS
from pipeline.lexicon.pack import parse_pack
from pipeline.lexicon.scorer import PackScorer
from pipeline.sentiment import PackSentiment

LANGUAGES = ("es", "it", "pt")
PACKS = {language: load_pack(language) for language in LANGUAGES}
SCORERS = {language: PackScorer(pack, FUNCTION_WORDS[language]) for language, pack in PACKS.items()}
SENTIMENT = {language: PackSentiment(scorer) for language, scorer in SCORERS.items()}

SPANISH = """
implicit   - llevo tres semanas sin internet
implicit   - hace un mes que espero la devolución
implicit   - la factura me ha subido: 40 euros más que el mes pasado
implicit   - cuarenta minutos al teléfono y se corta la llamada
implicit   - es la tercera vez que pido lo mismo y nadie responde
outage     - otra avería en el barrio y sin luz desde anoche
outage     - la app no me funciona desde la actualización
outage     - el router se queda bloqueado cada noche
delay      - el tren sale con retraso y sin avisar
delay      - mi paquete sigue sin llegar
refund     - me han cobrado dos veces y no me devuelven el dinero
refund     - exijo que devuelvan mi dinero
answer     - no contestan nunca al teléfono
answer     - nadie me da una solución
cancelled  - vuelo cancelado y ni una disculpa
defective  - la lavadora llegó defectuosa
rude       - el chico del mostrador fue maleducado y prepotente
verdict    - pésimas condiciones, una vergüenza
verdict    - malísimo servicio
verdict    - son unos estafadores, ladrones
verdict    - no lo recomiendo para nada
threat     - me doy de baja hoy mismo
negated    - no es un buen seguro
negated    - nada amable la señora de la ventanilla
negated    - nunca más compro aquí
accents    - averia sin solucion, atencion pesima
accents    - que verguenza de compania
irony      - gracias por nada
irony      - enhorabuena, os habéis lucido
profanity  - vaya mierda de aplicación
profanity  - hasta los cojones de esperar
american   - pinche banco, son unos pendejos
american   - re caro y encima se cae a cada rato
american   - no mamen, otra vez sin señal
contrast   - la tienda es bonita pero el servicio es horrible
capitals   - ESTAFA TOTAL
thanks     + ¡Muchas gracias por la ayuda, muy amables!
thanks     + graciaaas, todo solucionado
praise     + un trato inmejorable, rapidísimo y sin problemas
praise     + llegó antes de lo previsto y bien empaquetado
praise     + buenísima la nueva app, facilísima
praise     + lo recomiendo, cinco estrellas
praise     + son unos cracks, me lo resolvieron enseguida
negated    + no tengo ninguna queja
negated    + nunca falla, no decepciona
american   + qué chévere, súper recomendable
american   + está padrísimo, me encantó
clitics    + ayer supieron atenderme con amabilidad
emoji      + por fin en casa el pedido 😍
contrast   + un poco caro, pero la calidad es excelente
question   0 ¿A qué hora abre la oficina de la calle Mayor?
question   0 ¿Puedo cambiar la fecha de mi vuelo?
question   0 ¿Hacéis envíos a Canarias?
greeting   0 Buenas tardes, quisiera información sobre el seguro de hogar
request    0 Por favor, envíenme una copia de la factura de marzo
news       0 La compañía abre una nueva tienda en Valencia el lunes
news       0 El tren de las ocho saldrá de la vía tres
two senses 0 para el banco basta una copia del contrato
two senses 0 la lista de precios está en la web
two senses 0 el seguro cubre el coche y la casa
trap       0 Mañana tengo cita en el dentista por un dolor de muelas
trap       0 El domingo hay mercadillo solidario en la plaza de Buenos Aires
trap       0 ¿Cuánto tarda el envío a Tenerife?
trap       0 ¿Cuál es la mejor tarifa para un autónomo?
trap       0 De 10 a 14 h estaremos en el stand de la feria
trap       0 Ok, entonces lo recojo el martes, gracias
trap       0 Feliz cumpleaños a la biblioteca municipal, hoy cumple 40 años
trap       0 Mi vecina Dolores García vive en el portal 4
trap       0 Me voy a la playa con la tienda de campaña nueva
trap       0 Estoy embarazada, ¿puedo usar este champú?
trap       0 ¿Alguien sabe si abren el lunes? no encuentro el horario
trap       0 Le agradecería que me indicaran el plazo de entrega
trap       0 Quisiera dar de baja una línea, ¿qué documentos hacen falta?
trap       0 No hace falta que vengáis, ya lo paso a recoger yo
trap       0 El equipo suma tres derrotas seguidas y el entrenador sigue
trap       0 Estrenan la película «Crimen en el lago» este viernes
trap       0 Black Friday: grandes descuentos y las mejores marcas
trap       0 Para el regalo de mi padre dudo entre el modelo azul y el verde
trap       0 Buen finde a todos y hasta el lunes
trap       0 Aviso: mañana corte de agua por obras de 9 a 12
trap       0 Hoy toca lasaña congelada y peli de terror
trap       0 Busco un hotel de cuatro estrellas cerca del lago
trap       0 Mucha suerte a todos en el examen de mañana
trap       0 El próximo corte del tráfico será en la Gran Vía
praise     + No cambio de fisio ni loca
praise     + Nos trataron como en casa, repetiremos
praise     + Menudo temazo han sacado
praise     + Croquetas de vicio y precios razonables
praise     + Nada que envidiarle a los grandes
praise     + Por fin una app del banco que funciona
praise     + Una chulada de tienda, todo hecho a mano
praise     + Está chingón el nuevo estadio
praise     + La raja el concierto de anoche
praise     + Me sacaron de un apuro un domingo a las once de la noche
praise     + No se puede pedir más por ese precio
praise     + Mi hijo duerme del tirón desde que compramos este colchón
praise     + Me ha durado diez años y sigue como el primer día
praise     + Recién estrenado el sofá y ya no quiero salir de él
implicit   - El cable se peló a la segunda semana
implicit   - Pagas por fibra y te llega velocidad de módem
implicit   - Del jardín que sale en las fotos, ni rastro
implicit   - Qué lata la app, cada dos días pide la contraseña
implicit   - Menudo rollo de película, me dormí
implicit   - Una caja abierta y treinta personas en fila
implicit   - Tuve que ir yo a buscar el paquete al polígono
implicit   - No es que sea muy rápido precisamente
implicit   - Huele a tubería todo el pasillo
implicit   - Nos dejaron en tierra con los billetes en la mano
implicit   - Fome la obra, salimos antes
implicit   - No volvería ni aunque me invitaran
implicit   - Dos horas para que te atienda un robot
implicit   - El perfume dura lo que un suspiro
implicit   - Qué bien. Sin luz otra vez
implicit   - Se oye todo lo de la habitación de al lado
trap       0 Si no puedo ir el martes, ¿me guardáis la entrada?
trap       0 Detenido un hombre por un robo en una joyería de Vigo
trap       0 No, gracias, ya tengo seguro
trap       0 ¿Hay alguna tienda que repare cafeteras en Zaragoza?
trap       0 A unos les gusta y a otros no, es cuestión de gustos
praise     + Le dieron a mi padre la cama junto a la ventana sin pedirla
praise     + Llevo quince años con ellos y ni una queja
praise     + Los churros, de otro mundo
praise     + Se han ganado un cliente para toda la vida
praise     + Ese partido fue una fiesta
praise     + Mis hijos piden volver cada fin de semana
praise     + La web es clarita, cualquiera se apaña
praise     + Cumplieron el plazo al minuto
praise     + Viva la biblioteca del barrio
praise     + Me quedé con la boca abierta con las vistas
praise     + Este juego me ha devuelto las ganas
praise     + Con este colchón se acabaron mis dolores de espalda
praise     + Le debo la vida a ese cirujano
praise     + No cambiaría nada
praise     + Atendieron a mi perro como si fuera suyo
implicit   - Pone 24 horas y van nueve días
implicit   - En la foto era una suite, en la realidad un trastero
implicit   - Ni agua caliente ni toallas
implicit   - La nueva versión ha borrado mis fotos
implicit   - Quitan la cafetera y suben la cuota, gran idea
implicit   - Sigo pagando una línea que di de baja en marzo
implicit   - La garantía, papel mojado
implicit   - Al tercer lavado parece un trapo
implicit   - Solo me llaman para venderme cosas
implicit   - El conductor iba mirando el móvil
implicit   - Treinta euros por dos cafés y un bollo
implicit   - El médico ni me miró a la cara
implicit   - Quise reclamar y no existe ni un correo
implicit   - Compré dos entradas y me llegó una
implicit   - La app se cierra cuando voy a pagar
implicit   - El arroz pasado, el vino caliente
implicit   - Pues vaya
implicit   - Cada operador me dice una cosa
implicit   - Otro mes sin cobrar la ayuda
implicit   - Han conseguido que odie la Navidad
implicit   - Con lo que fue esta cadena
implicit   - Antes era otra cosa, ahora va a menos
implicit   - Puro marketing
implicit   - El seguro se lava las manos
implicit   - Más de lo mismo
ordinary   0 ¿Hasta cuándo está abierto el museo?
ordinary   0 ¿Qué equipo juega hoy?
ordinary   0 ¿A quién se dirige la carta?
ordinary   0 Me paso a las ocho por tu casa
ordinary   0 Mi madre me lleva al cine
ordinary   0 Trabajo de diez a dos
ordinary   0 Lo quiero en azul
ordinary   0 De esta forma se abre la caja
ordinary   0 Faltan dos horas para el partido
ordinary   0 Quiero más información sobre el curso
ordinary   0 ¿Quién te ha llamado?
ordinary   0 La película duró dos horas
ordinary   0 El tren regular sale a las ocho
ordinary   0 Un vuelo regular
ordinary   0 Una sesión ordinaria
ordinary   0 Congela la carne dos días
ordinary   0 Una película de vampiros
ordinary   0 El mimo en la plaza
ordinary   + La mejor película
ordinary   + El mejor documental del año
ordinary   + La mejor novela que existe
ordinary   - La peor serie del año
ordinary   - Servicio peor cada día, los usuarios sufren
ordinary   - Datos móviles con fallos
"""

ITALIAN = """
implicit   - sono tre settimane che siamo senza internet
implicit   - aspetto il rimborso da due mesi
implicit   - la bolletta è aumentata, 40 euro in più
implicit   - un'ora al telefono e poi cade la linea
implicit   - terza volta che chiamo e nessuno sa niente
outage     - ennesimo guasto in zona, senza corrente da ieri
outage     - l'app non funziona dopo l'aggiornamento
outage     - il modem si blocca ogni sera
delay      - treno in ritardo anche oggi
delay      - il pacco non è ancora arrivato
refund     - mi avete addebitato due volte la stessa fattura, addebito non autorizzato
refund     - ridatemi i soldi
answer     - non rispondono mai alle mail
answer     - nessuna risposta dal servizio clienti
cancelled  - volo cancellato e nemmeno una scusa
defective  - lavatrice arrivata difettosa
rude       - operatore maleducato e arrogante
verdict    - pessime condizioni, una vergogna
verdict    - servizio scadente, bruttissima esperienza
verdict    - siete dei truffatori, ladri
verdict    - non lo consiglio a nessuno
threat     - ho disdetto tutto, mai più con voi
negated    - non è una buona assicurazione
negated    - poco gentile la signora allo sportello
negated    - non mi è piaciuto
accents    - e una vergogna, qualita pessima
elision    - dell'assistenza non parliamo, un'attesa infinita
elision    - c'è un'incompetenza totale
irony      - grazie per niente
irony      - complimenti vivissimi per il disservizio
profanity  - che servizio di merda
profanity  - avete rotto il cazzo
idiom      - mi sento preso in giro
idiom      - lascia molto a desiderare
contrast   - bello il negozio ma il personale è scortese
capitals   - TRUFFA VERA
thanks     + Grazie mille per l'aiuto, gentilissimi!
thanks     + grazieee, tutto risolto
praise     + servizio velocissimo e senza problemi
praise     + arrivato prima del previsto e imballato bene
praise     + ottima app, facilissima
praise     + lo consiglio, cinque stelle
praise     + bravissimi, hanno risolto subito
negated    + niente da ridire
negated    + non delude mai
negated    + nessun problema con la consegna, tutto perfetto
clitics    + hanno saputo aiutarmi con gentilezza
elision    + un'ottima esperienza
emoji      + finalmente a casa il mio ordine 😍
contrast   + un po' caro, però la qualità è eccellente
question   0 A che ora apre l'ufficio in via Roma?
question   0 Posso cambiare la data del mio volo?
question   0 Spedite anche in Sardegna?
greeting   0 Buongiorno, vorrei informazioni sulla polizza casa
request    0 Inviatemi per favore una copia della fattura di marzo
news       0 L'azienda apre un nuovo negozio a Torino lunedì
news       0 Il treno delle otto parte dal binario tre
two senses 0 la carica della batteria dura due giorni
two senses 0 mi sono rivolto allo sportello con il documento
two senses 0 scarica il modulo e porta una copia
ordinary   - cinque mesi per una carta d'identità, roba da ufficio del Settecento
ordinary   - le stanze sanno di umido e le lenzuola erano bucate
ordinary   - zaino scucito dopo due settimane di scuola
ordinary   - abbonamento in palestra mai attivato, però la rata l'hanno presa subito
ordinary   - prezzi da boutique, qualità da mercatino
ordinary   - il nuovo album è un mattone, dormivo alla terza traccia
ordinary   - dice resistente all'acqua, è morto al primo temporale
ordinary   - ogni anno la stessa storia, piove e la metro si allaga
ordinary   - la sindaca promette, le buche restano
ordinary   - l'aggiornamento ha reso il telefono una lumaca
ordinary   - camerieri che si fanno desiderare
ordinary   - la app chiede mille permessi per accendere una lampadina
ordinary   - camera con vista sui cassonetti
ordinary   - conguaglio da infarto
ordinary   - mi hanno fatto girare quattro uffici per un timbro
ordinary   + la commessa mi ha dedicato mezz'ora e ha trovato la taglia giusta
ordinary   + letto in due sere, non riuscivo a staccarmi
ordinary   + pagato poco e dura da quattro anni
ordinary   + oggi il medico del pronto soccorso è stato un santo
ordinary   + la maestra di mio figlio è una forza della natura
ordinary   + questa crema è una manna
ordinary   + risposta in dieci minuti e problema sparito
ordinary   + sono cliente da quindici anni e non ho mai avuto una grana
ordinary   + la guida ci ha fatto innamorare della città
ordinary   + sono rimasto a bocca aperta
ordinary   + l'attrice buca lo schermo
ordinary   - la squadra è uscita tra i fischi, e ci mancherebbe
ordinary   - ci hanno messo vicino al bagno nonostante la prenotazione
ordinary   - il rubinetto gocciola ancora, il vostro idraulico è passato ieri
ordinary   - la signora allo sportello mi ha riso in faccia
ordinary   - quattro ore di treno in piedi vicino al bagno
ordinary   - mi avete fatto fare la figura del fesso davanti ai clienti
ordinary   - mi avete cambiato il piano senza chiedermelo
ordinary   + la badante che ci avete mandato è una persona d'oro
ordinary   + la libreria sotto casa batte qualsiasi sito
ordinary   + si vede che amano il loro mestiere
ordinary   + dovrebbero essere tutti così
ordinary   + questa serie mi ha rubato il cuore
ordinary   + batteria infinita, la carico ogni tre giorni
ordinary   + i volontari del canile sono angeli
trap       0 lo spettacolo inizia alle 21, ingresso libero
ordinary   - puntuali come le tasse: mezz'ora dopo, sempre
ordinary   + quel dottore mi ha rimesso in piedi
ordinary   + un film che ti resta dentro
trap       0 in caso di guasto chiamare il numero verde
trap       0 ci sono rallentamenti sulla statale?
trap       0 posso usare il buono anche in cassa?
trap       0 la polizza copre furto e incendio
trap       0 il primo tempo si è chiuso sullo zero a zero
trap       0 domani ultimo giorno per pagare la tassa rifiuti
trap       0 la legge entra in vigore il primo marzo
trap       0 domani sciopero dei mezzi, la metro parte fino alle 8.45
trap       0 il ballo di fine anno è il 12 giugno
trap       0 piante e semi in offerta fino a domenica
trap       0 si ricorda che lo sportello resta chiuso lunedì mattina
trap       0 ho preso la granita al limone
trap       0 stelle cadenti: il planetario organizza tre serate
trap       0 sono in attesa del vostro preventivo
trap       0 il lago di Varna si raggiunge con la linea 4
trap       0 il cda ha approvato il bilancio con un utile di tre milioni
trap       0 nel film muore il fratello del protagonista
trap       0 raccomandata spedita ieri, ecco la ricevuta
trap       0 la mostra sulla guerra di trincea chiude il 30
trap       0 il campionato riprende il 5 gennaio
trap       0 nessuna novità sull'orario, resta quello estivo
trap       0 il cattivo è interpretato da Orsini
trap       0 vincitori del concorso: Lanza, Peri e Dossi
trap       0 il topo e il computer sono compresi nel prezzo
ordinary   0 Il treno è in arrivo in stazione
ordinary   0 La guerra dura da due anni
ordinary   0 Vado a cena da un amico
ordinary   0 Le scarpe sono troppo grandi
ordinary   0 Ho una presa di corrente in cucina
ordinary   0 È possibile che piova domani
ordinary   0 Come si può pagare?
ordinary   0 Roma è tra le più visitate
ordinary   0 Stasera non posso venire
ordinary   0 Prendo la linea A della metro
ordinary   0 Una volta era una stazione
ordinary   0 Vieni a casa mia domani
ordinary   0 Ho dovuto chiamare mia madre
ordinary   0 Ho smesso
ordinary   0 Una visita tra due mesi
ordinary   0 Per la terza volta vado a Roma
ordinary   0 Ogni giorno lo stesso bus
ordinary   0 Costa più della metà
ordinary   0 L'auto è ferma da un mese
ordinary   0 Ci vado ogni giorno
ordinary   0 Mi ha accompagnato mio padre
ordinary   0 Due esemplari in vendita
ordinary   0 Un mattone rosso
ordinary   0 La Divina Commedia
"""

PORTUGUESE = """
implicit   - estou há três semanas sem internet
implicit   - faz um mês que espero o reembolso
implicit   - a fatura subiu outra vez, 40 euros a mais
implicit   - uma hora ao telefone e desligaram na minha cara
implicit   - é a terceira vez que ligo e ninguém resolve
outage     - mais uma avaria na rua, sem luz desde ontem
outage     - o app não funciona depois da atualização
outage     - a televisão fica sempre travando
delay      - comboio com atraso outra vez
delay      - a encomenda ainda não chegou
refund     - cobraram duas vezes e não devolvem o dinheiro
refund     - quero o meu dinheiro de volta
answer     - não atendem o telefone
answer     - ninguém me responde há dias
cancelled  - voo cancelado e nem um aviso
defective  - a máquina veio com defeito
rude       - atendente grosseira e mal educada
verdict    - péssimas condições, uma vergonha
verdict    - atendimento horrível, fraquíssimo
verdict    - são uns golpistas, ladrões
verdict    - não recomendo a ninguém
threat     - vou cancelar o contrato, nunca mais
negated    - não é um bom seguro
negated    - pouco simpática a senhora do balcão
negated    - não gostei
accents    - servico pessimo, que vergonha, nao funciona
accents    - ninguem atende, pessima experiencia
irony      - obrigado por nada
irony      - lindo serviço, sqn
profanity  - que merda de aplicativo
profanity  - vão tomar no cu
european   - estão a gozar com os clientes, que aldrabões
european   - isto é uma treta, estou farta
brazilian  - tô de saco cheio dessa operadora
brazilian  - que palhaçada, descaso com o cliente
brazilian  - app bugado, vive travando
contrast   - a loja é bonita mas o atendimento é péssimo
capitals   - FRAUDE TOTAL
thanks     + Muito obrigada pela ajuda, super simpáticos!
thanks     + obrigadaaa, tudo resolvido
praise     + atendimento rapidíssimo e sem problemas
praise     + chegou antes do prazo e bem embalado
praise     + ótimo aplicativo, facílimo
praise     + recomendo, cinco estrelas
praise     + parabéns à equipe, resolveram tudo
negated    + não tenho reclamações
negated    + nunca falha, não decepciona
european   + impecável, pessoal muito fixe
brazilian  + show de bola, amei demais
brazilian  + vlw pela atenção, nota 10
clitics    + souberam ajudar-me com muita simpatia
emoji      + finalmente chegou a minha encomenda 😍
contrast   + um pouco caro, mas a qualidade é excelente
question   0 A que horas abre a loja da Rua Augusta?
question   0 Posso mudar a data do meu voo?
question   0 Fazem entregas nos Açores?
greeting   0 Bom dia, gostaria de informações sobre o seguro de casa
request    0 Por favor, enviem uma cópia da fatura de março
news       0 A empresa abre uma nova loja no Porto na segunda
news       0 O comboio das oito sai da linha três
two senses 0 o cara do balcão disse que abre às nove
two senses 0 vou num instante buscar dois pacotes
two senses 0 a maneira mais rápida é pela linha azul?
ordinary   + fiz a reserva e correu tudo lindamente
ordinary   + que concerto, ainda estou arrepiada
ordinary   + o colchão é macio e fresquinho
ordinary   + agora sim, internet voando
ordinary   + cheiroso e dura o dia todo
ordinary   + aprovadíssimo pela família
ordinary   + a senhora do balcão tem mãos de fada
ordinary   + deram conta do recado
ordinary   + voltou a luz, até que enfim
ordinary   + livro viciante, não consigo largar
ordinary   + o bolo era de comer e chorar por mais
ordinary   + parece novo depois do conserto
negated    + zero perrengue na viagem
negated    + não vivo sem esse aplicativo
negated    + não há como não gostar destes gelados
ordinary   - ganda seca de concerto
ordinary   - esse curso é furada
ordinary   - o café estava morno e aguado
ordinary   - já foi melhor esse restaurante
ordinary   - enredo sem pé nem cabeça
ordinary   - roubalheira nas portagens
ordinary   - uma lesma esse site
implicit   - terceiro protocolo e continuo na mesma
implicit   - só anúncio nesse aplicativo
implicit   - ficou muito aquém do prometido
implicit   - nem sinal do técnico
implicit   - o estafeta nem tocou à campainha
implicit   - o piso descolou na primeira semana
implicit   - deixaram a encomenda à chuva
implicit   - tive de pagar táxi do meu bolso
implicit   - o sofá veio com um rasgo
irony      - adoro pagar por uma coisa que não chega
irony      - metade do dobro, como sempre
two senses 0 corte de cabelo às 15h
two senses 0 comprei carne de porco para o jantar
two senses 0 fui a Vila Real no fim de semana
two senses 0 gravei o programa para ver depois
two senses 0 mala de cabine até 8 quilos
two senses 0 aula prática na terça
two senses 0 a novela começa às nove
two senses 0 5 dias úteis para entrega
wish       0 Feliz Natal a todos
wish       0 boa sorte para amanhã
question   0 o seguro cobre roubo?
question   0 quanto tempo demora o envio?
news       0 greve dos comboios marcada para dia 8, anuncia sindicato
news       0 a nova versão corrige falhas de segurança
notice     0 a loja não abre aos domingos
notice     0 moro há dois anos em Faro
sport      + que time, jogaram muito
sport      - fora treinador
ordinary   + a sopa aqueceu-me a alma
ordinary   + nem precisei de insistir
ordinary   + bebe pouco e anda muito
ordinary   + entrega o que promete
ordinary   + igualzinho à foto
ordinary   + o wifi do comboio finalmente funciona
negated    + fui sem expectativas e amei
ordinary   - roteiro furado
ordinary   - manchete tendenciosa
ordinary   - sensacionalismo barato
ordinary   - câmera embaçada
ordinary   - wifi de vidro
implicit   - parei de comprar
implicit   - mudaram o portão três vezes
implicit   - formiga no quarto
implicit   - já liguei cinco vezes
irony      - mais um gol sofrido, parabéns aos envolvidos
question   0 O que faço se perder o cartão?
question   0 qual banco tem a melhor taxa?
two senses 0 o banco central mantém os juros
two senses 0 fui ao lago com a Amanda
two senses 0 os olhos da minha irmã são da cor da água do rio
news       0 Voos para a Madeira retomados após mau tempo
notice     0 à espera do autocarro
ordinary   0 O livro está em cima da mesa
ordinary   0 Até quando vai a promoção?
ordinary   0 Não posso ir na quinta
ordinary   0 Trabalho de quinta a domingo
ordinary   0 Ele vai tomar a vacina amanhã
ordinary   0 Comprei ingresso para um show
ordinary   0 A aula de história começa às oito
ordinary   0 Qual é a altura da mesa?
ordinary   0 Em que fase está a obra?
ordinary   0 É normal sentir sono
ordinary   0 Ele foi embora cedo
ordinary   0 Redução da pena de prisão
ordinary   - Produto de 100 euros com defeito
ordinary   - Falha de internet e 60 euros por mês
ordinary   - Dois mil euros e cheio de defeitos
ordinary   - Atraso de três horas e 80 euros de táxi
ordinary   - Fila de uma hora após o check-in
ordinary   0 A água está morna
ordinary   0 O avião está voando
ordinary   0 O sol está brilhando
ordinary   0 A formiga no quarto andar
"""

LABELS = {"-": "negative", "+": "positive", "0": "neutral"}
TEXTS = [
    pytest.param(language, line[13:], LABELS[line[11]], id=f"{language} {line[:10].strip()}: {line[13:53]}")
    for language, table in (("es", SPANISH), ("it", ITALIAN), ("pt", PORTUGUESE))
    for line in table.strip().splitlines()
]

HARD = {
    "es": "Qué detalle abrir la tienda justo cuando trabajo",
    "it": "Il mio bisnonno con il mulo arrivava prima",
    "pt": "A minha avó de bengala fazia isto mais depressa",
}
"""Irony that only the world explains: no lexicon sees it. Told apart, not hidden."""


@pytest.mark.parametrize(("language", "text", "label"), TEXTS)
def test_texts_get_their_label(language: str, text: str, label: str):
    assert SENTIMENT[language].score(text).label == label


@pytest.mark.xfail(strict=True, reason="irony is beyond a lexicon")
@pytest.mark.parametrize(("language", "text"), HARD.items())
def test_irony_is_seen(language: str, text: str):
    assert SENTIMENT[language].score(text).label == "negative"


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        pytest.param("es", "pésimas", {"pésimas": -2.9}, id="a feminine plural by its masculine"),
        pytest.param("es", "estafaron", {"estafaron": -3.0}, id="a verb form"),
        pytest.param("es", "no es amable", {"no es amable": -1.76}, id="praise negated"),
        pytest.param("es", "llevo tres semanas sin internet", {"llevo semanas sin": -2.0}, id="a phrase with a gap"),
        pytest.param("es", "gracias por nada", {"gracias por nada": -2.8}, id="no thanks"),
        pytest.param("es", "muchas gracias por la ayuda", {"gracias por ayuda": 2.86}, id="thanks, and for what"),
        pytest.param("es", "la cara del coche", {}, id="a face is not dear"),
        pytest.param("es", "muy caro", {"caro": -2.08}, id="degree up"),
        pytest.param("pt", "Boa entrega", {"Boa": 1.7}, id="praise as the first word"),
        pytest.param("pt", "Boa tarde, uma avaria", {"Boa tarde": 0.1, "avaria": -1.9}, id="a greeting hardly counts"),
        pytest.param("it", "pessime", {"pessime": -2.9}, id="an Italian plural"),
        pytest.param("it", "l'incompetenza", {"incompetenza": -2.4}, id="the word behind the article"),
        pytest.param("it", "non gentile", {"non gentile": -1.68}, id="praise negated in Italian"),
        pytest.param("it", "troppo gentile", {"gentile": -2.18}, id="too much"),
        pytest.param("it", "non è gentile", {"non è gentile": -1.68}, id="is, without its accent, is no and"),
        pytest.param("it", "senza tessera", {}, id="a quiet negation alone"),
        pytest.param("es", "rápido y más amable", {"rápido": 1.7, "amable": 2.86}, id="more is no but"),
        pytest.param("pt", "não é simpático", {"não é simpático": -1.68}, id="is is no and in Portuguese either"),
        pytest.param("pt", "não simpático", {"não simpático": -1.68}, id="praise negated in Portuguese"),
        pytest.param("pt", "enganaram", {"enganaram": -2.5}, id="a Portuguese verb form"),
        pytest.param("pt", "má experiência", {"má experiência": -2.7}, id="a verdict as a phrase"),
        pytest.param("pt", "ajudar-me com simpatia", {"ajudar": 0.1, "simpatia": 2.1}, id="a pronoun behind its verb"),
    ],
)
def test_hits_say_what_counted(language: str, text: str, expected: dict[str, float]):
    assert dict(SCORERS[language].score(text).hits) == expected


@pytest.mark.parametrize(
    ("language", "form", "like"),
    [
        ("es", "avería", "averia"),
        ("es", "PÉSIMO Pésimo", "PESIMO Pesimo"),
        ("es", "buenísimaaaa", "buenisima"),
        ("es", "superamable", "muy amable"),
        ("es", "engaños", "enganos"),
        ("it", "inciviltà e disonestà", "incivilta e disonesta"),
        ("it", "un’attesa", "un'attesa"),
        ("it", "bellissime", "bellissimo"),
        ("it", "stracontento", "molto contento"),
        ("pt", "não gostei", "nao gostei"),
        ("pt", "inaceitável", "inaceitavel"),
        ("pt", "fraquinhas", "fraquinho"),
    ],
)
def test_forms_of_a_word_are_worth_the_same_way(language: str, form: str, like: str):
    one, other = (SCORERS[language].score(text).compound for text in (form, like))
    assert one * other > 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_accents_change_nothing_but_what_is_shown(language: str):
    folded = str.maketrans("áàâãéêèíìóôõòúùüç", "aaaaeeeiioooouuuc")
    for text in (line[13:] for line in {"es": SPANISH, "it": ITALIAN, "pt": PORTUGUESE}[language].strip().splitlines()):
        assert SCORERS[language].score(text.translate(folded)).compound == SCORERS[language].score(text).compound


SOME_WORDS = [word for pack in PACKS.values() for word in list(pack.words)[:100]]
AFRESH = {language: PackScorer(pack, FUNCTION_WORDS[language]) for language, pack in PACKS.items()}


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from([*SOME_WORDS, "no", "non", "não", "sin", "pero", "ma", "mas", "l'", ".", "?", "😡", "è"]) | st.text(max_size=6),
        max_size=15,
    )
)
def test_any_text_has_a_compound_and_the_same_each_time(words: list[str]):
    for language in LANGUAGES:
        first = SCORERS[language].score(" ".join(words))
        assert -1.0 <= first.compound <= 1.0
        assert AFRESH[language].score(" ".join(words)) == first == SCORERS[language].score(" ".join(words))


# what the rules add to a pack of a few lines


def scorer(**content: str) -> PackScorer:
    texts = {"rules": "", "words": "", "phrases": "", "base": "", "signs": ""} | content
    return PackScorer(parse_pack(**{name: text.encode() for name, text in texts.items()}))


def test_a_root_takes_the_place_of_an_ending_from_four_letters_on():
    pack = scorer(rules='endings = ["aron", "a"]\nroots = ["ar", "o"]', words='"molestar" = -2\n"caro" = -1\n"lento" = -1')
    assert pack.score("molestaron lenta cara").hits == [("molestaron", -2.0), ("lenta", -1.0)]


def test_accents_may_be_left_out_of_files_and_texts():
    kept, left_out = (scorer(rules=f"accents = {accents}", words='"avería" = -2') for accents in ("true", "false"))
    assert [len(pack.score("avería averia").hits) for pack in (kept, left_out)] == [1, 2]


def test_a_word_comes_apart_at_its_apostrophe_unless_it_is_listed():
    rules, words = "elision = true", '"attesa" = -1\n"c\'è" = 1'
    assert scorer(rules=rules, words=words).score("l'attesa c'è").hits == [("attesa", -1.0), ("c'è", 1.0)]
    assert scorer(words=words).score("l'attesa").hits == []


# the base lexicons


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_base_lexicon_is_what_its_provenance_says(language: str):
    folder = files("pipeline.lexicon") / language
    digest = hashlib.sha256((folder / "base.tsv").read_bytes()).hexdigest()
    assert digest in (folder / "PROVENANCE.md").read_text("utf-8")
    assert len(PACKS[language].base) > 2_400
    assert "MIT" in (folder / "LICENCE").read_text("utf-8")


@pytest.fixture
def converters(monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(__file__).parent.parent / "deploy/lexicons"
    monkeypatch.syspath_prepend(folder)
    return folder


def test_the_conversion_of_afinn_keeps_single_words(converters: Path):
    afinn = runpy.run_path(str(converters / "bases.py"))["afinn"]
    assert afinn('{"": null, "a bordo": 1, "abrazo": 2, "-gritó": -2, "Averiar": -3}'.encode(), "# head\n") == (
        "# head\nabrazo\t0.400\naveriar\t-0.600\n"
    )


def test_the_conversion_of_leia_averages_lines(converters: Path):
    convert = runpy.run_path(str(converters / "convert_pt.py"))["convert"]
    lines = convert(b"bom\t2.0\t1\t[2]\nbom\t1.0\t1\t[1]\n:)\t2.0\t1\t[2]\nruim\t-2.0\t1\t[-2]\nnada\t0.0\t1\t[0]\n").splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["bom\t0.375", "ruim\t-0.500"]


def test_the_conversion_refuses_other_bytes(converters: Path, tmp_path: Path):
    member = runpy.run_path(str(converters / "bases.py"))["member"]
    package = tmp_path / "package.whl"
    with zipfile.ZipFile(package, "w") as wheel:
        wheel.writestr("words.txt", "other")
    with pytest.raises(SystemExit, match=r"words\.txt is not the file"):
        member(str(package), "words.txt", "0" * 64)
