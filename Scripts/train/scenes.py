"""What one says of a whole picture rather than of a thing in it: words to those of the tower's classes that such pictures are of.

A class stands for its picture here, so only what nearly every photograph of it shows is written down."""

SCENES = {
    "water": "seashore,lakeside,sandbar,breakwater,dock,pier,coral reef,geyser,canoe,gondola,catamaran,schooner",
    "the sea": "seashore,sandbar,promontory,breakwater,coral reef,pier,liner,container ship",
    "ocean waves": "seashore,sandbar,breakwater",
    "a beach": "seashore,sandbar",
    "a sunset over the sea": "seashore,sandbar,pier,breakwater",
    "a sunset over water": "seashore,lakeside,pier,dock",
    "a sunset": "seashore,lakeside,pier",
    "a lake": "lakeside,boathouse,valley",
    "a lake in the mountains": "lakeside,valley,alp",
    "a landscape": "alp,valley,lakeside,cliff,volcano,promontory",
    "mountains": "alp,volcano,valley,cliff",
    "snow on a mountain": "alp,ski",
    "a snowy landscape": "alp,ski,dogsled,snowplow,snowmobile",
    "winter": "ski,dogsled,snowplow,snowmobile,ski mask",
    "a rocky coast": "promontory,cliff,seashore",
    "trees and hills": "valley,lakeside",
    "under water": "coral reef,scuba diver,anemone fish,sea anemone,rock beauty,lionfish",
    "a field": "hay,rapeseed,harvester,thresher",
    "a farm": "hay,barn,harvester,ox,hog",
    "text": "menu,book jacket,crossword puzzle,web site,street sign,comic book",
    "text on paper": "menu,crossword puzzle,book jacket,envelope",
    "a page of text": "menu,web site,crossword puzzle",
    "a document": "menu,envelope,web site",
    "a screenshot": "web site",
    "a poster": "book jacket,comic book",
    "a building": "church,palace,castle,monastery,mosque,library,barn,greenhouse,stupa,dome,planetarium,prison,cinema",
    "an old building": "church,palace,castle,monastery,mosque,stupa",
    "architecture": "church,palace,dome,mosque,vault,bell cote,triumphal arch,obelisk",
    "a street in a city": "street sign,traffic light,cab,trolleybus,parking meter,minibus,streetcar",
    "cars on a road": "sports car,convertible,cab,minivan,beach wagon,jeep,limousine",
    "a room": "dining table,four poster,studio couch,home theater,wardrobe,china cabinet,window shade,sliding door",
    "a living room": "studio couch,home theater,fire screen,entertainment center,rocking chair",
    "a bedroom": "four poster,quilt,crib,bassinet,pillow",
    "a kitchen": "microwave,stove,dishwasher,refrigerator,toaster,plate rack",
    "a bathroom": "washbasin,bathtub,toilet seat,medicine chest,shower curtain,tub",
    "furniture in a room": "dining table,four poster,studio couch,wardrobe,china cabinet,bookcase,chiffonier,desk",
    "a shop": "grocery store,bakery,bookshop,shoe shop,toyshop,confectionery,tobacco shop,barbershop,butcher shop",
    "food on a plate": "plate,pizza,cheeseburger,meat loaf,burrito,carbonara,potpie,guacamole,hot pot",
    "a meal on a table": "plate,dining table,pizza,meat loaf,hot pot,restaurant",
    "fruit in a bowl": "orange,lemon,banana,pomegranate,fig,pineapple,Granny Smith",
    "vegetables": "cucumber,artichoke,bell pepper,cauliflower,broccoli,zucchini,cabbage,head cabbage,butternut squash",
    "people": "groom,ballplayer,stage,restaurant",
    "a group of people": "groom,stage,ballplayer",
    "a wedding": "groom",
    "a concert": "stage,electric guitar,drum,microphone",
    "people doing sports": "ballplayer,basketball,rugby ball,volleyball,horizontal bar,parallel bars",
    "a plane in the sky": "airliner,warplane,wing",
    "the sky": "airliner,kite,balloon,parachute,airship",
    "a ship at sea": "liner,container ship,aircraft carrier,schooner",
    "a boat on the water": "canoe,gondola,speedboat,catamaran,schooner,yawl,trimaran,lifeboat,fireboat",
    "a train on rails": "steam locomotive,bullet train,electric locomotive,freight car,passenger car",
    "a bridge over a river": "steel arch bridge,suspension bridge,viaduct",
    "a flower in a garden": "daisy,yellow lady's slipper,bee,cabbage butterfly",
    "a garden": "daisy,greenhouse,picket fence,maze,patio,flowerpot,pot",
    "a desk with a computer": "desktop computer,laptop,desk,monitor,computer keyboard,mouse",
    "lights at night": "spotlight,jack-o'-lantern,candle,lampshade",
    "a wall": "stone wall,brass,tile roof",
}


def numbers(names):
    """{words: classes} of SCENES; names: the lemmas of each class. Names that no class has are left out."""
    of = {}
    for number, lemmas in enumerate(names):
        for lemma in lemmas:
            of.setdefault(lemma.lower(), []).append(number)
    found = {text: sorted({n for name in listed.lower().split(",") for n in of.get(name, ())}) for text, listed in SCENES.items()}
    return {text: classes for text, classes in found.items() if classes}
