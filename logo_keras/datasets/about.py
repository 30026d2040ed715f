"""What is known of the public data sets: who made them, what their authors say of rights, and where to get them."""

import difflib
from dataclasses import dataclass

from logo_keras.errors import UserError


@dataclass(frozen=True)
class Download:
    """A file that a data set is given out as.

    Attributes:
        url: str. With `{number}` in it the set is given out in parts, numbered from 1; how many there are is found out by asking
            until the server knows no more.
        path: str, the file's name in the folder of the set, with `{number}` where the address has it.
    """

    url: str
    path: str


@dataclass(frozen=True)
class About:
    """A public data set.

    Attributes:
        name: str, what `logo_keras.datasets.load` calls it.
        title: str, what its authors call it.
        citation: str, the paper that its authors ask to cite.
        licence: str, what its authors say of rights; "not stated" where nothing is known.
        address: str, the page that gives it out.
        downloads: tuple of Download, the files that can be fetched without a form or a cloud drive.
        instructions: str, what to put where by hand; empty where `downloads` are all there is.
        photographs: int, how many there are as given out, or None.
        brands: int, or None.
        remark: str, where figures disagree or an address is doubtful.
        by_hand: tuple of str, names of files that have to be put into the folder by hand, where they are known. An archive among
            them is not needed when the set has been unpacked.
        folder: str, the folder inside the archive in which the set lies, where it is known.
    """

    name: str
    title: str
    citation: str
    licence: str
    address: str
    downloads: tuple[Download, ...] = ()
    instructions: str = ""
    photographs: int | None = None
    brands: int | None = None
    remark: str = ""
    by_hand: tuple[str, ...] = ()
    folder: str = ""


# Addresses, licences and counts: the authors' pages and READMEs at `address`. None of them publishes a size or a checksum of
# its files.
_SETS = (
    About(
        name="logo2k",
        title="Logo-2K+",
        citation="Jing Wang, Weiqing Min, Sujuan Hou, Shengnan Ma, Yuanjie Zheng, Haishuai Wang, Shuqiang Jiang: Logo-2K+: A "
        "Large-Scale Logo Dataset for Scalable Logo Classification. AAAI 2020, arXiv:1911.07924.",
        licence="not stated; the photographs were collected from the web and belong to their owners",
        address="https://github.com/msn199959/Logo-2k-plus-Dataset",
        instructions="Open the links to Google Drive or Baidu Drive (with its password) on that page, or on its successor "
        "https://github.com/Wangjing1551/Logo-2k-plus-Dataset, and put Logo-2K+.rar and the lists train_images_root.txt and "
        "test_images_root.txt into the folder. Unpack the .rar there with unrar or 7z.",
        photographs=167_140,
        brands=2_341,
        remark="10 root categories; 116,958 photographs for training and 50,182 for testing.",
        by_hand=("train_images_root.txt", "test_images_root.txt"),
    ),
    About(
        name="belgalogos",
        title="BelgaLogos",
        citation="Alexis Joly, Olivier Buisson: Logo retrieval with a contrario visual query expansion. ACM Multimedia 2009. "
        "The boxes of qset3: Pierre Letessier, Olivier Buisson, Alexis Joly: Scalable mining of small visual objects. "
        "ACM Multimedia 2012.",
        licence="research only; the photographs are copyrighted by the press agency BELGA",
        address="http://www-sop.inria.fr/members/Alexis.Joly/BelgaLogos/BelgaLogos.html",
        # The page links it as "Download images".
        downloads=(Download("http://www-sop.inria.fr/members/Alexis.Joly/BelgaLogos/images.tar.gz", "images.tar.gz"),),
        instructions="Fetch the ground truth qset3_internal_and_local.gt from the section Download of that page, and put it into "
        "the folder, beside images/.",
        photographs=10_000,
        brands=37,
        remark="37 logos as given out, a brand's name and its -text counted apart.",
        by_hand=("qset3_internal_and_local.gt",),
    ),
    About(
        name="flickrlogos32",
        title="FlickrLogos-32",
        citation="Stefan Romberg, Lluis Garcia Pueyo, Rainer Lienhart, Roelof van Zwol: Scalable Logo Recognition in Real-World "
        "Images. ICMR 2011.",
        licence="given out on request, for research; the photographs belong to those who put them on Flickr",
        address="https://www.uni-augsburg.de/en/fakultaet/fai/informatik/prof/mmc/research/datensatze/flickrlogos/",
        instructions="Ask by e-mail, as that page says. Then either logo-data get flickrlogos32 --url LINK with the link from "
        "the answer, or put FlickrLogos-32_dataset_v2.zip into the folder and call the command again: it unpacks it.",
        photographs=8_240,
        brands=32,
        remark="2,240 photographs with a brand and 6,000 without.",
        by_hand=("FlickrLogos-32_dataset_v2.zip",),
        folder="FlickrLogos-v2",
    ),
    About(
        name="weblogo2m",
        title="WebLogo-2M",
        citation="Hang Su, Shaogang Gong, Xiatian Zhu: WebLogo-2M: Scalable Logo Detection by Deep Learning from the Web. "
        "ICCV Workshops 2017.",
        licence="academic research only",
        address="https://weblogo2m.github.io/",
        downloads=(Download("http://vision.eecs.qmul.ac.uk/datasets/WebLogo-2M/part_{number}.tar.gz", "part_{number}.tar.gz"),),
        photographs=1_867_177,
        brands=194,
        remark="1,861,177 photographs in the paper, 1,867,177 in the distribution; the labels are noisy. About 178 GB. Users "
        "report that the links no longer work; http://www.eecs.qmul.ac.uk/~hs308/WebLogo-2M.html/ was the page before.",
    ),
    About(
        name="flickrlogos27",
        title="Flickr Logos 27",
        citation="Yannis Kalantidis, Lluis Garcia Pueyo, Michele Trevisiol, Roelof van Zwol, Yannis Avrithis: Scalable "
        "Triangulation-based Logo Recognition. ICMR 2011.",
        licence="the photographs are from Flickr, and their use must respect its terms",
        address="http://image.ntua.gr/iva/datasets/flickr_logos/",
        downloads=(
            Download(
                "http://image.ntua.gr/iva/datasets/flickr_logos/flickr_logos_27_dataset.tar.gz", "flickr_logos_27_dataset.tar.gz"
            ),
        ),
        photographs=1_079,
        brands=27,
        remark="809 photographs for training (the page says 810: one shows two brands), 135 with a brand and 135 without for "
        "testing. The 4,207 distractors are not counted.",
        folder="flickr_logos_27_dataset",
    ),
    About(
        name="toplogo10",
        title="TopLogo-10",
        citation="Hang Su, Xiatian Zhu, Shaogang Gong: Deep Learning Logo Detection with Data Expansion by Synthesising Context. "
        "WACV 2017, arXiv:1612.09322.",
        licence="not stated; the photographs belong to their owners",
        address="http://www.eecs.qmul.ac.uk/~hs308/qmul_toplogo10.html/",
        instructions="Follow the link on that page. Then either logo-data get toplogo10 --url LINK, or unpack the archive into "
        "the folder, so that jpg/, masks/ and ImageSets/ lie in it or in qmul_toplogo10/ there.",
        photographs=700,
        brands=10,
        remark="If the page is gone, its author's later set https://hangsu0730.github.io/qmul-openlogo/ holds the photographs in "
        "another layout (Pascal VOC).",
        folder="qmul_toplogo10",
    ),
    About(
        name="logos_in_the_wild",
        title="Logos in the Wild",
        citation="Andras Tüzkö, Christian Herrmann, Daniel Manger, Jürgen Beyerer: Open Set Logo Detection and Retrieval. "
        "VISAPP 2018, arXiv:1710.10891.",
        licence="see licence.txt in the archive; the photographs are not part of it and belong to their owners",
        address="https://www.iosb.fraunhofer.de/servlet/is/78045/",
        instructions="Ask the authors for the link. Then either logo-data get logos_in_the_wild --url LINK, or put "
        "LogosInTheWild-v2.zip into the folder and call the command again: it unpacks it. The archive holds "
        "the boxes (Pascal VOC) and, in urls.txt of each folder, the addresses of the photographs, which have to be fetched "
        "from there and put beside the .xml of the same name.",
        remark="The page was gone in December 2021; a copy by other people is at https://zenodo.org/record/5101018. Not all "
        "photographs can be had any longer.",
        by_hand=("LogosInTheWild-v2.zip",),
        folder="LogosInTheWild-v2",
    ),
)
ABOUT = {about.name: about for about in _SETS}

_INSTEAD = (
    "Use Logo-2K+ instead (logo2k), which is larger and public, or LogoDet-3K, which the format voc reads: "
    "https://github.com/Wangjing1551/LogoDet-3K-Dataset"
)
# name -> why it cannot be had, and what to use instead.
NOT_PUBLIC = {
    "logo405": "Logo-405 (Hou et al. 2017, Complexity) has not been published by its authors as a download. " + _INSTEAD,
    "pl2k": "PL2K (Fehérvári and Appalaraju 2019, arXiv:1811.08009) is Amazon's and has not been published. " + _INSTEAD,
}


def about(name):
    """Finds a public data set by its name; `-`, `_`, `+`, spaces and letter case do not matter.

    Args:
        name: str, for instance "logo2k".

    Returns:
        About.

    Raises:
        ValueError: if the set is not public (saying what to use instead), or the name is not known.
    """
    refuse_if_not_public(name)
    plain = _plain(name)
    for each in ABOUT.values():
        if plain in (_plain(each.name), _plain(each.title)):
            return each
    near = difflib.get_close_matches(str(name), [*ABOUT, *NOT_PUBLIC], 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UserError(f"the public data sets are {', '.join(ABOUT)}, got {name!r}.{hint}")


def refuse_if_not_public(name):
    """Raises a ValueError that says what to use instead, if a set is not public; however the name is written."""
    for each, sentence in NOT_PUBLIC.items():
        if _plain(each) == _plain(name):
            raise UserError(sentence)


def _plain(name):
    return "".join(letter for letter in str(name).casefold() if letter.isalnum())
